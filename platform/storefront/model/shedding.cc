// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/shedding.h"

#include <algorithm>

#include "core/base/check.h"

namespace panshi::shop {

const char* name_of(Priority priority) {
  static constexpr std::array<const char*, kPriorities> kNames = {"paid", "checkout", "browse",
                                                                  "extra"};
  return kNames[static_cast<std::size_t>(priority)];
}

std::int64_t Shedding::ceiling(Priority priority, std::int64_t limit) const {
  const auto rank = static_cast<std::int64_t>(at(priority));
  const std::int64_t share = limit * options_.percent[at(priority)] / 100;
  return std::max<std::int64_t>(1, std::min(share, limit - rank));
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
