// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/shedding.h"

#include <algorithm>

#include "core/base/check.h"

namespace panshi::shop {

const char* name_of(Priority priority) {
  static constexpr std::array<const char*, kPriorities> kNames = {"paid", "pay", "place", "browse",
                                                                  "extra"};
  return kNames[static_cast<std::size_t>(priority)];
}

std::int64_t Shedding::ceiling(Priority priority, std::int64_t limit) const {
  if (priority == Priority::kPaid) return std::max(limit, options_.places);
  std::int64_t ceiling = limit;
  for (std::size_t rank = 1; rank <= at(priority); ++rank) {
    const std::int64_t share = limit * options_.percent[rank] / 100;
    ceiling = std::max<std::int64_t>(1, std::min(share, ceiling - 1));
  }
  return ceiling;
}

bool Shedding::enter(Priority priority, std::int64_t limit) {
  if (inside_ >= ceiling(priority, limit)) {
    ++shed_[at(priority)];
    return false;
  }
  ++inside_;
  ++admitted_[at(priority)];
  return true;
}

void Shedding::leave() {
  CHECK_BUG(inside_ > 0);
  --inside_;
}

}  // namespace panshi::shop
