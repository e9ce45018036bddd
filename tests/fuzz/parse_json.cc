// SPDX-License-Identifier: Apache-2.0
// JSON that is read can be written, and reads back as the same.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/json/fields.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = panshi::parse_json({reinterpret_cast<const char*>(data), size}, 1 << 16);
  if (!read) return 0;
  const auto again = panshi::parse_json(panshi::dump_json(*read), 1 << 20);
  CHECK_BUG(again && *again == *read);
  return 0;
}
