// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <thread>

#include "core/base/text.h"
#include "tests/bench/shop/cost_table.h"
#include "tests/bench/shop/log_figures.h"
#include "tests/bench/shop/parts.h"

namespace panshi::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration kWarmUp = 5s;
constexpr Duration kDrain = 20s;

struct Span {
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  double seconds() const { return static_cast<double>(to_us - from_us) / 1e6; }
};

void report(const LogFigures& log, const Span& span, double rate, Figures& figures) {
  const auto completed = log.completed(span.from_us, span.to_us);
  figures.add("complete purchases a second", "/s", static_cast<double>(completed) / span.seconds(),
              at_least(0.99 * rate));
  const auto whole = log.whole_ms(span.from_us, span.to_us);
  const auto arrived = log.arrived(span.from_us, span.to_us);
  figures.add("of those who came, got their key", "%",
              100 * static_cast<double>(whole.size()) /
                  static_cast<double>(std::max<std::int64_t>(arrived, 1)),
              at_least(99));
  for (std::size_t i = 0; i < kSteps.size(); ++i) {
    const auto values = log.step_ms(i, span.from_us, span.to_us);
    const std::string name(shop::step_name(kSteps[i]));
    figures.add(cat(name, " p50"), "ms", percentile(values, 50));
    figures.add(cat(name, " p99"), "ms", percentile(values, 99), at_most(250));
  }
  figures.add("whole purchase p50", "ms", percentile(whole, 50));
  figures.add("whole purchase p99", "ms", percentile(whole, 99));
}

}  // namespace

void measure_steady(Lab& lab, const PartOptions& options, Figures& figures) {
  figures.part("steady");
  lab.up();
  const SystemClock clock;
  const std::int64_t since_us = to_us(clock.wall());
  const std::uint64_t log_begin = lab.log_size();
  lab.set_buyers(options.rate);
  std::this_thread::sleep_for(kWarmUp);
  const CostSnapshot before = take_costs(lab.state());
  Span span;
  span.from_us = to_us(clock.wall());
  std::this_thread::sleep_for(options.span);
  span.to_us = to_us(clock.wall());
  const CostSnapshot after = take_costs(lab.state());
  lab.set_rate(0);
  if (!lab.wait_until_nobody_is_under_way(kDrain)) figures.fail("customers are stuck in the shop");

  LogFigures log;
  if (!log.read(lab.log_file(), log_begin)) figures.fail("the customers' log is damaged");
  figures.note(cat("asked: ", options.rate, " a second for ", duration_text(options.span)));
  report(log, span, options.rate, figures);
  const CostReport costs = spent(before, after);
  const auto completed = log.completed(span.from_us, span.to_us);
  figures.add("CPU of the whole lab a purchase", "ms",
              milliseconds(costs.lab) / static_cast<double>(std::max<std::int64_t>(completed, 1)));
  figures.add("CPU of the whole lab", "% of a core", percent_of_core(costs.lab, costs.span));
  figures.add("CPU of everybody else on the machine", "% of a core",
              percent_of_core(costs.others, costs.span));
  add_cost_table(costs, completed, figures);
  const nlohmann::json audit = lab.audit(since_us);
  figures.add(cat("ledger valid (it is ", audit.at("verdict").get<std::string>(), ")"), "",
              audit.at("verdict") == "valid" ? 1 : 0, at_least(1));
  figures.attach("audit", audit);
}

}  // namespace panshi::bench
