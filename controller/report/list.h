// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

namespace panshi::controller {

template <class T, class Write>
nlohmann::json list(const std::vector<T>& items, Write write) {
  nlohmann::json array = nlohmann::json::array();
  for (const T& item : items) array.push_back(write(item));
  return array;
}

}  // namespace panshi::controller
