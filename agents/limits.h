// SPDX-License-Identifier: Apache-2.0
// Limits of the agent: nothing it holds, reads, starts or waits for is without a bound.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/clock.h"

namespace panshi::agent::limits {

// A mistaken number must not lock out every controller that comes later (also kEpochJumpMax).
inline constexpr std::uint64_t kEpochFirstMax = 1'000'000'000;  // of who commands it first

using namespace std::chrono_literals;

// Configuration.
inline constexpr std::size_t kServicesMax = 64;
inline constexpr std::size_t kProbesMax = 128;
inline constexpr std::size_t kLinksMax = 64;
inline constexpr int kLinkConnectionsMax = 20'000;
inline constexpr std::size_t kProgramsMax = 64;
inline constexpr Duration kProbeEveryMin = 20ms;
inline constexpr Duration kProbeEveryMax = 1h;

// The long poll.
inline constexpr std::size_t kEventsMax = 10'000;   // kept for pollers
inline constexpr std::size_t kSamplesMax = 20'000;  // kept for pollers
inline constexpr std::size_t kWatchesMax = 200;     // in one poll
inline constexpr std::size_t kWatchesKept = 1'000;  // over all pollers
inline constexpr std::size_t kRenewMax = 1'000;     // fault ids in one poll
inline constexpr Duration kPollWaitMax = 60s;
inline constexpr Duration kSampleBatch = 200ms;  // samples wait this long for company
// What nobody watches travels once a second; a little less, lest a run that comes early is skipped.
inline constexpr Duration kDigestEvery = 900ms;
inline constexpr unsigned kHttpThreads = 12;  // a long poll holds one
inline constexpr std::size_t kBodyMax = 1 << 20;
inline constexpr std::int64_t kAuditPageMax = 1'000;  // lines in one answer

// Supervision.
inline constexpr Duration kPrepareMax = 10min;      // one prepare command
inline constexpr Duration kKillAgainAfter = 2s;     // a process that survives SIGKILL (disk wait)
inline constexpr Duration kReadyProbeEvery = 50ms;  // while a service is starting
inline constexpr std::size_t kLogBytesMax = 10 << 20;  // of one service, then rotated
inline constexpr int kLogFilesMax = 3;                 // the live one and two older

// Probes.
inline constexpr std::size_t kProbeBodyMax = 1 << 20;   // of an http answer
inline constexpr std::size_t kScriptHeadMax = 4 << 10;  // where a script declares its variables
inline constexpr std::size_t kProbeReplyMax = 1 << 20;  // of an answer of Redis
inline constexpr std::size_t kProbeSignalsMax = 32;     // of one http or prometheus probe

// Accounts of services, tried when their server is ready (account_trials.h).
inline constexpr int kAccountTriesMax = 20;  // of a server that is not reached
inline constexpr Duration kAccountAgainAfter = 1s;

// Actions.
inline constexpr std::size_t kActionsKept = 1'000;
inline constexpr std::size_t kActionsRunningMax = 32;
inline constexpr std::size_t kActionOutputMax = 64 << 10;
inline constexpr Duration kActionTimeoutMax = 1h;
inline constexpr std::size_t kArgumentMax = 4'096;  // bytes of one program argument

inline constexpr std::size_t kDescriptors = 65'536;  // where allowed: two a connection of a link

inline constexpr std::size_t kLoopTasksMax = 10'000;

}  // namespace panshi::agent::limits
