// SPDX-License-Identifier: Apache-2.0
// Every maximum of the controller process, in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/base/clock.h"

namespace panshi::controller::limits {

using namespace std::chrono_literals;

// Loop.
inline constexpr std::size_t kMailboxMax = 10'000;  // inputs waiting for the loop
inline constexpr Duration kClockStep = 1s;          // of the machine's clock that is told
inline constexpr Duration kLoopIdleMax = 500ms;     // the loop wakes at least this often
inline constexpr Duration kViewEvery = 200ms;       // what no event tells is this fresh at worst
inline constexpr Duration kViewWait = 1s;           // for a view with the newest events
inline constexpr Duration kCommandWait = 5s;        // an API call waits this long for the loop
inline constexpr std::size_t kReasonMax = 1'000;    // bytes of what people say, shown in one line
inline constexpr Duration kStopWithin = 3s;         // reverting everything at an orderly stop

// Journal and samples.
inline constexpr std::int64_t kAuditPageMax = 1'000;      // lines in one answer
inline constexpr std::int64_t kEventPageMax = 1'000;      // events in one answer
inline constexpr std::size_t kSampleBufferMax = 200'000;  // samples waiting to be written
inline constexpr std::int64_t kSampleRowsMax = 10'000'000;
inline constexpr Duration kSampleAgeMax = 7 * 24h;
inline constexpr Duration kSampleFlushEvery = 1s;
inline constexpr Duration kSamplePruneEvery = 1min;
inline constexpr std::int64_t kSamplePageMax = 20'000;  // samples in one answer
inline constexpr std::size_t kSeriesMax = 20'000;       // (node, signal) pairs known at once
inline constexpr std::size_t kSeriesOfNodeMax = 2'000;  // of one node

// Fleet.
inline constexpr Duration kRetryFirst = 20ms;  // between attempts at one agent
inline constexpr Duration kRetryMax = 500ms;
// Of a connection over TLS: shaking hands costs both sides 5 ms in all. None outlives a change of
// the files that say who is believed.
inline constexpr Duration kProvenLifeMax = 10min;
inline constexpr Duration kAttemptMax = 2s;         // one attempt of one effect
inline constexpr Duration kActionAskEvery = 1s;     // if `action.done` should have been missed
inline constexpr Duration kActionGrace = 500ms;     // the agent's own timeout goes first
inline constexpr std::size_t kEffectsMax = 1'000;   // under way at once
inline constexpr int kAsksMax = 8;                  // of API threads that wait for an agent
inline constexpr std::size_t kAnswerMax = 8 << 20;  // bytes of an agent's answer to a person

// What is taken in of one agent. At once: more than the 10,000 events and 20,000 samples that it
// keeps while we are away, so that no honest backlog is cut. For long: a node whose probes flap all
// day says less than this, and a flood fills no disk. Twice, since outcomes have their own.
inline constexpr double kAgentEventsBurst = 12'000;
inline constexpr double kOutcomesBurst = 4'000;  // it remembers 1,000 faults and 1,000 actions
inline constexpr double kAgentEventsASecond = 20;
inline constexpr double kAgentBytesBurst = 8 << 20;
inline constexpr double kAgentBytesASecond = 16 << 10;
inline constexpr std::size_t kAgentEventMax = 64 << 10;  // bytes; an honest one has some hundred
inline constexpr std::size_t kOutcomeMax = 512 << 10;    // a program's output is in it, up to twice
inline constexpr double kAgentSamplesBurst = 40'000;
inline constexpr double kAgentSamplesASecond = 4'000;    // 100 watched probes, 40 times a second
inline constexpr std::size_t kSignalNameMax = 256;       // bytes of its name
inline constexpr double kStatusBytesBurst = 16 << 20;    // of statuses: 128 restarts in a row,
inline constexpr double kStatusBytesASecond = 64 << 10;  // then one each 2 s
inline constexpr double kStatusBytesLeast = 128 << 10;   // a smaller one counts as this
// Of its answers to polls: the largest honest one has 2 MiB, and each is read on the thread that
// renews all leases.
inline constexpr std::size_t kPollAnswerMax = 4 << 20;
inline constexpr double kPollBytesBurst = 16 << 20;
inline constexpr double kPollBytesASecond = 256 << 10;
inline constexpr std::size_t kStartIdMax = 64;    // bytes
inline constexpr std::size_t kListedMax = 4'096;  // of faults, actions, services … in a status
// Of the faults in force that it tells of and nobody here ordered: at once, and anew in a minute.
inline constexpr std::size_t kLeftoversMax = 32;
inline constexpr std::size_t kLeftoversAMinute = 200;
inline constexpr Duration kAgeMax = 7 * 24h;  // of what an agent says happened, or lasted
inline constexpr Duration kServiceAgeMax = 3'650 * 24h;  // of the state of a service
inline constexpr Duration kAgeSlack = 10s;       // before the last that we heard of that run
inline constexpr std::size_t kWordsMax = 2'000;  // bytes of why it refuses us
inline constexpr Duration kFloodPause = 500ms;   // before the next call to one that floods
inline constexpr Duration kFloodToldEvery = 1min;

// API.
inline constexpr unsigned kHttpThreads = 24;
inline constexpr int kLongPollsMax = 12;  // of those threads
inline constexpr Duration kLongPollMax = 20s;
inline constexpr std::size_t kBodyMax = 1 << 20;

// Errands: notifications and reports.
inline constexpr std::size_t kErrandsMax = 1'000;

}  // namespace panshi::controller::limits
