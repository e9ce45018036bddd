// SPDX-License-Identifier: Apache-2.0
// prometheus: figures of a metrics page.
#include "agents/probes/kinds/metrics_page.h"
#include "agents/probes/kinds/parts.h"

namespace panshi::agent {

void read_prometheus(Fields& in, ProbeTarget& target) {
  read_url(in, target);
  read_signals(in, target, [](const std::string& text) {
    const auto selector = parse_selector(text);
    return selector ? std::string() : selector.error().message;
  });
  if (!in.has("signals")) in.problem("signals", "must name what is read from the page");
}

ProbeAnswer judge_prometheus(const ProbeTarget& target, const std::string& body) {
  ProbeAnswer answer;
  for (const auto& [signal, text] : target.pointers) {
    const auto selector = parse_selector(text);
    if (!selector) continue;  // refused by the configuration
    if (const auto sum = sum_of(*selector, body)) answer.values.emplace_back(signal, *sum);
  }
  return answer;
}

}  // namespace panshi::agent
