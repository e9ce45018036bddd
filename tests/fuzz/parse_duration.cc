// SPDX-License-Identifier: Apache-2.0
// A duration that is read is not negative, and its text reads back as the same.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = panshi::parse_duration({reinterpret_cast<const char*>(data), size});
  if (!read) return 0;
  CHECK_BUG(read->count() >= 0);
  const auto again = panshi::parse_duration(panshi::duration_text(*read));
  // A number of more than 53 bits has no exact double.
  CHECK_BUG(again && (*again == *read || read->count() > (std::int64_t{1} << 53)));
  return 0;
}
