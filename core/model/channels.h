// SPDX-License-Identifier: Apache-2.0
// The channels that a notification can go by. The controller's notify/ has one sender for each.
#pragma once

#include <string>
#include <vector>

namespace panshi {

inline const std::vector<std::string>& notify_channels() {
  static const std::vector<std::string> kChannels = {"log"};
  return kChannels;
}

}  // namespace panshi
