// SPDX-License-Identifier: Apache-2.0
// Bodies of the clients of Toxiproxy's API: the first value is read or refused with words, and a
// field of it is read or refused, whatever it holds.
#include "agents/toxiproxy/lenient_json.h"

#include <cstddef>
#include <cstdint>

#include "core/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  const auto value = panshi::agent::toxiproxy::read_first_value(body);
  if (!value) {
    CHECK_BUG(!value.error().message.empty());
    return 0;
  }
  if (!value->is_object()) return 0;
  std::string text;
  bool flag = false;
  double number = 0;
  std::int64_t integer = 0;
  (void)panshi::agent::toxiproxy::read_field(*value, "name", text);
  (void)panshi::agent::toxiproxy::read_field(*value, "enabled", flag);
  (void)panshi::agent::toxiproxy::read_field(*value, "toxicity", number);
  (void)panshi::agent::toxiproxy::read_field(*value, "latency", integer);
  return 0;
}
