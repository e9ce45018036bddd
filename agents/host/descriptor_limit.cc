// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agents/host/machine.h"

namespace panshi::agent {

std::uint64_t DescriptorLimit::room() const {
  const auto taken = std::lower_bound(open.begin(), open.end(), soft) - open.begin();
  return soft - static_cast<std::uint64_t>(taken);
}

std::uint64_t DescriptorLimit::soft_for(std::uint64_t room) const {
  std::uint64_t limit = room;
  for (const std::uint64_t number : open) {
    if (number <= limit) ++limit;  // it takes a place below, or gives no room
  }
  return limit;
}

}  // namespace panshi::agent
