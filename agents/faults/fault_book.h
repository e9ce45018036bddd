// SPDX-License-Identifier: Apache-2.0
// FaultBook: every fault that is, or may be, in force on this node.
//
// The promise: a fault never outlives its lease. The undo record is on disk before a fault is
// applied and goes only after it is reverted; what a start finds there it reverts; a revert that
// fails is tried again for ever, and the fault stays `live` with its error meanwhile.
//
// Any thread may call. Bookkeeping is under one mutex that is never held while the disk or the
// host is touched. Thread `leases` sleeps until the next lease or retry is due. Applying and
// reverting happen on threads `fault-N`, started when none is free, at most one a fault in force:
// so one that hangs (SQL) delays no other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "agents/faults/lease_book.h"
#include "agents/host/host.h"
#include "core/base/result.h"

namespace panshi::agent {

struct FaultOrder {  // the body of PUT /v1/faults/{id}
  FaultId id;
  std::uint64_t epoch = 0;
  std::string kind;
  nlohmann::json target;  // {"service": name} or {"link": name}
  nlohmann::json params;
  Duration lease{};
  std::string drill;

  // Reads all but the id; every mistake with its path. The kind's own fields are read by put().
  static Result<FaultOrder> from_json(FaultId id, const nlohmann::json& body);
};

struct Leftover {  // an element of GET /v1/fsck
  std::string what;
  bool ours = true;
  std::string why;
  std::string clear_hint;
  std::function<Status()> clear = {};  // null: a person has to look at it
};

struct Cleared {  // the answer of POST /v1/fsck/clear
  std::vector<std::string> cleared;
  std::vector<std::pair<std::string, std::string>> failed;  // what, why
  std::vector<Leftover> left;
  nlohmann::json to_json() const;
};

class FaultBook {
 public:
  struct Options {
    std::filesystem::path directory;  // <state>/faults; made when absent
    LeaseBook::Limits limits{.live_max = 16, .term_max = std::chrono::minutes(10)};
    // Calls come one at a time, from any thread, never under the book's mutex. It must not call
    // back into the book. Kinds: fault.live, fault.reverted, fault.failed. `at`: when apply()
    // began to act (so that a detection is never timed too short), or when revert() had ended.
    std::function<void(std::string kind, nlohmann::json data, MonoTime at)> on_event = {};
    // The book moves: it will call this again by then at the latest. Any thread, under the book's
    // mutex; it must not block. Whoever is told may take a book that does not for frozen.
    std::function<void(MonoTime by)> on_moving = {};
    std::string left_behind = "left by an earlier run";     // why what is found is not reverted yet
    Duration retry_first = std::chrono::milliseconds(100);  // after a failed revert, then doubled
    Duration retry_max = std::chrono::seconds(5);
    Duration wait_max = std::chrono::seconds(20);  // put() and revert() answer by then
  };
  struct Reverted {
    std::vector<FaultId> reverted;
    nlohmann::json faults = nlohmann::json::array();      // the same, as `fault` objects
    std::vector<std::pair<FaultId, std::string>> failed;  // still being retried
    nlohmann::json to_json() const;
  };

  // Reads the journal. Nothing is touched before recover(). `host` must outlive the book.
  static Result<std::unique_ptr<FaultBook>> open(Options options, Host& host);
  // Ends the threads; faults in force stay recorded, so call revert_all() first.
  ~FaultBook();
  FaultBook(const FaultBook&) = delete;
  FaultBook& operator=(const FaultBook&) = delete;

  // Reverts everything an earlier run left behind, each tried once before this returns, then in
  // the background until it is done. What was ordered of this run stays. Call it before services
  // are started. `insist`: who is about to end waits so long for what fails at first.
  Reverted recover(Duration insist = {});

  // Applies the fault and answers when it is in force or has failed (a `fault` object).
  // The id again: the present state, kConflict when another body; a reverted one stays reverted.
  // kInvalid: every mistake at once; kRefused: limits and guards.
  Result<nlohmann::json> put(const FaultOrder& order);
  // Answers when it is reverted, or when the first try failed. Never seen: remembered as reverted,
  // so that a PUT that comes late does nothing.
  Result<nlohmann::json> revert(const FaultId& id);
  // Each tried once before this returns. `reason`: revert_all or agent_stop. `insist` as above.
  Reverted revert_all(const std::string& reason, Duration insist = {});
  // Leases of exactly these run `term` from now. Unknown ones and those being reverted are passed
  // over; kRefused when `term` is longer than the node allows.
  Status renew(std::span<const FaultId> ids, Duration term);

  nlohmann::json list() const;  // array of `fault`: in force, then the last ended ones
  nlohmann::json get(const FaultId& id) const;  // null when never seen
  std::size_t live() const;
  // What is left of ours and of others, each explained; [] when the node is clean.
  std::vector<Leftover> fsck() const;
  // Clears what the fault, whose undo record is gone, may have left, by what its order was.
  // {"id","state":"cleared|left","cleared":[text],"left":[{"what","why"}]}. kInvalid, kConflict.
  Result<nlohmann::json> clear_lost(const FaultOrder& order);
  // Clears what is left of ours, as far as it is sure what that means; nothing of others.
  Cleared clear_leftovers();

 private:
  struct Impl;
  explicit FaultBook(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

nlohmann::json to_json(const Leftover& leftover);

}  // namespace panshi::agent
