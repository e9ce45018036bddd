// SPDX-License-Identifier: Apache-2.0
// A pool of card keys that was made elsewhere: a text with one key a line. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace panshi::shop {

// 1 to 10,000 keys of 1 to 64 characters of [A-Za-z0-9_.-]; empty lines and those that begin with #
// are left out. kInvalid: every bad line with its number (at most 20), or the line of which it is a
// duplicate.
Result<std::vector<std::string>> read_key_pool(std::string_view text);

// The same keys for the same product are the same import, whatever else is in the file.
std::string import_id_of(const std::string& product, const std::vector<std::string>& keys);

}  // namespace panshi::shop
