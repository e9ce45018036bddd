// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <thread>

#include "core/base/text.h"
#include "core/io/yaml.h"
#include "tests/bench/shop/log_figures.h"
#include "tests/bench/shop/parts.h"

namespace panshi::bench {
namespace {

using namespace std::chrono_literals;

constexpr Duration kStep = 10s;     // of the search
constexpr Duration kWarmUp = 4s;    // before each
constexpr Duration kSpanMax = 30s;  // of the two that count
constexpr double kFactor = 1.4;
constexpr int kStepsMax = 12;
constexpr double kEnough = 0.9;  // of those who came, else the rate is above the limit
constexpr std::array<const char*, 4> kClasses = {"paid", "pay", "place", "browse"};

struct Doors {  // of all gateways together, by kClasses
  std::array<double, kClasses.size()> admitted{};
  std::array<double, kClasses.size()> shed{};
};

Doors read_doors(Lab& lab) {
  Doors doors;
  for (const char* name : {"gateway.yaml", "gateway-b.yaml"}) {
    const auto document = load_yaml(lab.state() / "shop" / name);
    if (!document) throw std::runtime_error(document.error().message);
    const std::string address = document->root.at("listen");
    const auto status = lab.get(cat("http://", address, "/status"));
    for (std::size_t i = 0; i < kClasses.size(); ++i) {
      doors.admitted[i] += status.at(cat("admitted_", kClasses[i])).get<double>();
      doors.shed[i] += status.at(cat("shed_", kClasses[i])).get<double>();
    }
  }
  return doors;
}

// Keys handed out a second while so many customers a second come.
double goodput(Lab& lab, double rate, Duration span) {
  const SystemClock clock;
  const std::uint64_t log_begin = lab.log_size();
  lab.set_buyers(rate);
  std::this_thread::sleep_for(kWarmUp);
  const std::int64_t from_us = to_us(clock.wall());
  std::this_thread::sleep_for(span);
  const std::int64_t to = to_us(clock.wall());
  lab.set_rate(0);
  if (!lab.wait_until_nobody_is_under_way(30s)) throw std::runtime_error("customers are stuck");
  LogFigures log;
  if (!log.read(lab.log_file(), log_begin)) throw std::runtime_error("the log is damaged");
  return static_cast<double>(log.completed(from_us, to)) * 1e6 / static_cast<double>(to - from_us);
}

// The most that the shop handed out at any rate, going up until it no longer serves those who come.
double find_limit(Lab& lab, double rate, Figures& figures) {
  double best = 0;
  for (int step = 0; step < kStepsMax; ++step, rate *= kFactor) {
    const double good = goodput(lab, rate, kStep);
    figures.note(cat("  ", static_cast<std::int64_t>(rate),
                     " come a second: ", static_cast<std::int64_t>(good), " keys a second"));
    best = std::max(best, good);
    if (good < kEnough * rate) break;
  }
  return best;
}

}  // namespace

void measure_shedding(Lab& lab, const PartOptions& options, Figures& figures) {
  figures.part("shedding");
  lab.up();
  const std::int64_t since_us = to_us(SystemClock().wall());
  const double limit = find_limit(lab, std::max(5.0, options.rate / 4), figures);
  if (limit < 1) return figures.fail("the shop serves nobody");
  const Duration span = std::min(options.span, kSpanMax);
  std::vector<double> at_limit;
  std::vector<double> beyond;
  std::vector<double> share;
  Doors served;
  for (std::int64_t run = 0; run < options.runs; ++run) {
    at_limit.push_back(goodput(lab, limit, span));
    const Doors before = read_doors(lab);
    beyond.push_back(goodput(lab, 2 * limit, span));
    const Doors after = read_doors(lab);
    share.push_back(100 * beyond.back() / std::max(at_limit.back(), 1e-9));
    for (std::size_t i = 0; i < kClasses.size(); ++i) {
      served.admitted[i] += after.admitted[i] - before.admitted[i];
      served.shed[i] += after.shed[i] - before.shed[i];
    }
  }
  figures.add("goodput at the limit", "/s", at_limit);
  figures.add("goodput at twice the limit", "/s", beyond);
  figures.add("of the goodput at the limit", "%", share, at_least(90));
  std::array<double, kClasses.size()> ratio{};
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    const double asked = served.admitted[i] + served.shed[i];
    ratio[i] = asked > 0 ? 100 * served.admitted[i] / asked : 100;
    figures.add(cat("requests let in at twice the limit: ", kClasses[i], " (",
                    static_cast<std::int64_t>(asked), ")"),
                "%", ratio[i]);
  }
  figures.add("who has paid is served first (1: yes)", "",
              ratio[0] >= *std::max_element(ratio.begin(), ratio.end()) ? 1 : 0, at_least(1));
  const nlohmann::json audit = lab.audit(since_us);
  figures.attach("audit", audit);
  figures.add(cat("ledger valid (it is ", audit.at("verdict").get<std::string>(), ")"), "",
              audit.at("verdict") == "valid" ? 1 : 0, at_least(1));
}

}  // namespace panshi::bench
