// SPDX-License-Identifier: Apache-2.0
// Whatever a program prints: no secret is left, a part of it is within its bound, and what was JSON
// stays JSON.
#include "core/base/struck.h"

#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/io/secret.h"
#include "core/json/fields.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace panshi;
  const std::string secret = "a\"b\\c %41&d~";
  never_show(secret);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CHECK_BUG(without_secrets(text).find(secret) == std::string::npos);
  const std::size_t most = size > 0 ? data[0] : 0;
  CHECK_BUG(struck_head(text, most).size() <= most);
  CHECK_BUG(struck_tail(text, most).size() <= most);
  if (!parse_json(text, 1 << 16)) return 0;
  CHECK_BUG(parse_json(json_text_without_secrets(text), 1 << 20));
  return 0;
}
