// SPDX-License-Identifier: Apache-2.0
// ReplicaLag: how old what one replica shows can be, measured by GTID positions.
//
// The primary is asked where it is; once the replica has all of that, what it shows is at most as
// old as the question. So a replica that stands still, one whose primary cannot be asked, and one
// that was never seen to have caught up are all old, however well they feel themselves. Pure; one
// thread at a time, `now` is given.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::shop {

using GtidPosition = std::map<std::uint64_t, std::uint64_t>;  // domain -> sequence

// "0-11-1234,1-11-5"; "" is the beginning.
Result<GtidPosition> parse_gtid(std::string_view text);

class ReplicaLag {
 public:
  // `asked`: when the question was sent; never before that of the last call.
  void primary_was_at(GtidPosition position, MonoTime asked);
  void replica_is_at(const GtidPosition& position);
  // None: it was never seen to have caught up.
  std::optional<Duration> staleness(MonoTime now) const;

 private:
  std::deque<std::pair<MonoTime, GtidPosition>> awaited_;  // not seen at the replica yet
  std::optional<MonoTime> as_of_;
};

}  // namespace panshi::shop
