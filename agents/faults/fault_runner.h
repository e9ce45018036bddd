// SPDX-License-Identifier: Apache-2.0
// FaultRunner: one fault's way from order to end, and who works on it. The inside of FaultBook.
//
//     kApplying -> kLive -> kReverting -> kEnded
//         |                   |    ^
//         | (apply failed)    v    | (back-off, for ever)
//         +-------------->  kRetry-+
//
// A wish to revert that comes while the fault is being applied is kept and followed at once after.
// Everything here is under `mutex`; only run_apply() and run_revert() let go of it while they
// touch disk and host, and they work on a fault whose phase keeps all others away.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agents/faults/fault.h"
#include "agents/faults/fault_book.h"
#include "agents/faults/fault_journal.h"
#include "agents/faults/worker_pool.h"

namespace panshi::agent {

struct LiveFault {
  enum class Phase { kApplying, kLive, kReverting, kRetry, kEnded };

  FaultFacts facts;
  const FaultKind* kind = nullptr;  // null: written by a version that knew more kinds
  std::unique_ptr<Fault> fault;     // null as well
  nlohmann::json resolved;
  Phase phase = Phase::kApplying;
  bool holds = false;        // `resolved` is there and stays; compared with what comes later
  bool recorded = false;     // its undo record is on disk: from then on it may be in force
  bool left_behind = false;  // by an earlier run
  std::string apply_error;   // it will end as `failed`
  std::string revert_error;  // of the last try
  std::string refusal;       // nothing was done: it will be forgotten
  ErrorCode refusal_code = ErrorCode::kInternal;
  std::string revert_reason;  // not empty: it is to be reverted
  int revert_tries = 0;
  Duration backoff{};
  MonoTime retry_at{};
  nlohmann::json measured = nlohmann::json::object();
  std::optional<WallTime> live_at = {};   // since when it is, or may be, in force
  std::optional<WallTime> ended_at = {};  // of the mending, while that is being remembered
};
using LiveFaultPtr = std::shared_ptr<LiveFault>;

class FaultRunner {
 public:
  FaultRunner(FaultBook::Options options, Host& host, std::unique_ptr<FaultJournal> journal,
              FaultJournal::Contents contents);
  ~FaultRunner();

  mutable std::mutex mutex;
  std::condition_variable changed;  // some fault's phase or try count
  LeaseBook leases;
  std::map<FaultId, LiveFaultPtr> live;  // every phase but kEnded
  std::deque<EndedFault> ended;          // oldest first

  // All with `mutex` held.
  void start_apply(const LiveFaultPtr& fault);
  void want_revert(const LiveFaultPtr& fault, const std::string& reason);
  void leases_moved();  // one may run out earlier than before
  const EndedFault* find_ended(const FaultId& id) const;
  void remember(EndedFault ended);

  // Goes on evenly while this process lives, and is comparable with what an earlier one wrote down.
  WallTime wall_now() const { return wall_.now(); }

  const FaultBook::Options options;
  Host& host;
  const std::unique_ptr<FaultJournal> journal;
  std::vector<std::pair<std::string, std::string>> unreadable;  // undo records; with `mutex` held

 private:
  void run_leases();
  void tell_moving();  // with `mutex`
  void run_apply(const LiveFaultPtr& fault);
  void run_revert(const LiveFaultPtr& fault);
  Status apply(LiveFault& fault, MonoTime began);  // without `mutex`
  // kConflict: another in force would undo it, or it that one. The second holds it from then on.
  Status find_clash(const LiveFault& fault, const nlohmann::json& resolved);
  Status take_hold(LiveFault& fault);
  Status revert(LiveFault& fault, MonoTime began);
  void note_what_is_left(LiveFault& fault);
  void emit(const std::string& kind, nlohmann::json data, MonoTime at);

  static EndedFault ended_of(const LiveFault& fault);

  const SystemClock clock_;
  const AnchoredClock wall_{clock_, WallTime::min()};
  std::condition_variable lease_moved_;  // the thread `leases` must think again
  MonoTime moved_at_{};                  // it did so last
  bool closing_ = false;
  std::mutex event_mutex_;
  std::mutex holds_mutex_;  // one after the other takes hold; before `mutex`
  WorkerPool workers_;
  std::thread lease_thread_;
};

}  // namespace panshi::agent
