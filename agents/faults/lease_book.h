// SPDX-License-Identifier: Apache-2.0
// LeaseBook: which injected faults may still be live on this node.
//
// Every fault is granted for a bounded term. When the controller dies, stalls or is cut off,
// nobody renews, the term runs out and the agent heals its node by itself. That is the one
// promise the agent makes:
//
//     a fault never outlives its lease.
//
// Pure: no clock, no I/O, no lock. The caller passes `now` and acts on what comes back.
// Guarded by the FaultBook's mutex.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

using FaultId = std::string;

class LeaseBook {
 public:
  struct Limits {
    std::size_t live_max;  // blast radius: faults live at once on one node
    Duration term_max;     // longest time a node may stay broken unattended
  };

  explicit LeaseBook(Limits limits) : limits_(limits) {}

  // kConflict if already live, kRefused if it would break a limit.
  Status grant(const FaultId& id, Duration term, MonoTime now);

  // kNotFound if the lease has run out: the fault is being reverted, inject it again.
  Status renew(const FaultId& id, Duration term, MonoTime now);

  // Forgets the fault. No error if unknown: reverting twice is normal.
  void release(const FaultId& id) { expiry_.erase(id); }

  // Removes and returns the faults to revert now, longest overdue first.
  std::vector<FaultId> take_expired(MonoTime now);

  // Nothing when it is not live.
  std::optional<MonoTime> expiry(const FaultId& id) const;

  // When the loop must wake up at the latest.
  std::optional<MonoTime> next_expiry() const;

  std::size_t live() const { return expiry_.size(); }

 private:
  Limits limits_;
  std::map<FaultId, MonoTime> expiry_;
};

}  // namespace panshi::agent
