// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <thread>

#include "core/base/text.h"
#include "tests/bench/shop/costs.h"
#include "tests/bench/shop/log_figures.h"
#include "tests/bench/shop/parts.h"

namespace panshi::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration kWarmUp = 5s;
constexpr Duration kDrain = 20s;
constexpr std::size_t kPartsShown = 4;

struct Span {
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  double seconds() const { return static_cast<double>(to_us - from_us) / 1e6; }
};

double milliseconds(Duration duration) { return static_cast<double>(duration.count()) / 1000; }

void print_costs(const CostReport& costs, std::int64_t purchases, Figures& figures) {
  const auto each = [&](Duration cpu) {
    return milliseconds(cpu) / static_cast<double>(std::max<std::int64_t>(purchases, 1));
  };
  char line[256];
  std::snprintf(line, sizeof line, "%-20s %5s %12s %10s  %s", "CPU by program", "", "ms/purchase",
                "% of core", "of these, the dearest (ms/purchase)");
  figures.note(line);
  nlohmann::json rows = nlohmann::json::array();
  for (const ProgramCost& program : costs.programs) {
    std::string parts;
    for (std::size_t i = 0; i < std::min(kPartsShown, program.parts.size()); ++i) {
      char text[96];
      std::snprintf(text, sizeof text, "%s%s %.2f", i == 0 ? "" : ", ",
                    program.parts[i].first.c_str(), each(program.parts[i].second));
      parts += text;
    }
    const double of_core = 100 * milliseconds(program.cpu) / milliseconds(costs.span);
    std::snprintf(line, sizeof line, "%-20s ×%-4zu %12.2f %10.1f  ", program.program.c_str(),
                  program.processes, each(program.cpu), of_core);
    figures.note(line + parts);
    nlohmann::json row = {{"program", program.program},
                          {"processes", program.processes},
                          {"ms_per_purchase", each(program.cpu)},
                          {"percent_of_core", of_core},
                          {"parts", nlohmann::json::object()}};
    for (const auto& [part, cpu] : program.parts) row["parts"][part] = each(cpu);
    rows.push_back(std::move(row));
  }
  figures.attach("cpu_by_program", std::move(rows));
}

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
  lab.tell_customers("/plan", {{"rate", options.rate}, {"mix", {{"buy", 1}}}});
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
  figures.add("CPU of the whole lab", "% of a core",
              100 * milliseconds(costs.lab) / milliseconds(costs.span));
  figures.add("CPU of everybody else on the machine", "% of a core",
              100 * milliseconds(costs.others) / milliseconds(costs.span));
  print_costs(costs, completed, figures);
  const nlohmann::json audit = lab.audit(since_us);
  figures.add(cat("ledger valid (it is ", audit.at("verdict").get<std::string>(), ")"), "",
              audit.at("verdict") == "valid" ? 1 : 0, at_least(1));
  figures.attach("audit", audit);
}

}  // namespace panshi::bench
