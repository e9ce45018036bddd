// SPDX-License-Identifier: Apache-2.0
// A page of metrics, and the selector that looks into it (the first line), never crash the agent;
// a selector that is read names something.
#include "agents/probes/kinds/metrics_page.h"

#include <cstddef>
#include <cstdint>

#include "core/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  const auto selector = panshi::agent::parse_selector(text.substr(0, line));
  if (!selector) {
    CHECK_BUG(!selector.error().message.empty());
    return 0;
  }
  CHECK_BUG(!selector->name.empty());
  if (line != std::string_view::npos) {
    (void)panshi::agent::sum_of(*selector, text.substr(line + 1));
  }
  return 0;
}
