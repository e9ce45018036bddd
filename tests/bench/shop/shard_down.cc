// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "core/base/text.h"
#include "core/json/fields.h"
#include "platform/storefront/model/shard.h"
#include "tests/bench/shop/log_figures.h"
#include "tests/bench/shop/parts.h"

namespace panshi::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kShards = 3;
constexpr double kRateMax = 30;  // a shop that is busy besides would show something else
constexpr Duration kSpan = 20s;
constexpr Duration kFrozen = 60s;
constexpr double kAnswers = 99;  // % of those who asked, to say that a function answers

// Of those who came to a step, how many were answered in the end. The key's answer may be that it
// is on its way: that is the shop's word for "paid".
struct Asked {
  double asked = 0;
  double answered = 0;
  double percent() const { return asked > 0 ? 100 * answered / asked : 100; }
};
using ByStep = std::array<Asked, kSteps.size()>;

void count(const PurchaseSeen& seen, ByStep& steps) {
  for (std::size_t i = 0; i < kSteps.size(); ++i) {
    if (seen.begun_us[i] == 0) continue;
    steps[i].asked += 1;
    const bool is_key = kSteps[i] == shop::Step::kFetch;
    if (seen.ended_us[i] != 0 || (is_key && seen.key_promised)) steps[i].answered += 1;
  }
}

void thaw(Lab& lab, const std::string& fault) {
  if (!fault.empty()) lab.run({"panshi", "fault", "revert", fault}, 20s);
}

std::string freeze_primary(Lab& lab) {
  const std::string printed =
      lab.run({"panshi", "fault", "apply", "process.pause", "--target", "service=mariadb-shard-0-a",
               "--for", duration_text(kFrozen), "--json"},
              20s);
  const auto json = parse_json(printed);
  if (!json || !json->is_object()) return "";
  return json->value(json->contains("fault") ? "fault" : "id", "");
}

}  // namespace

void measure_shard_down(Lab& lab, const PartOptions& options, Figures& figures) {
  figures.part("shard");
  lab.up();
  const SystemClock clock;
  const std::int64_t since_us = to_us(clock.wall());
  lab.set_buyers(std::min(options.rate, kRateMax));
  std::this_thread::sleep_for(3s);
  const std::uint64_t log_begin = lab.log_size();
  const std::string fault = freeze_primary(lab);
  std::this_thread::sleep_for(2s);  // who was under way when it froze is another story
  const std::int64_t from_us = to_us(clock.wall());
  std::this_thread::sleep_for(kSpan);
  const std::int64_t to = to_us(clock.wall());
  lab.set_rate(0);
  const bool drained = lab.wait_until_nobody_is_under_way(30s);
  thaw(lab, fault);
  if (!drained) figures.fail("customers are stuck in the shop");

  LogFigures log;
  if (!log.read(lab.log_file(), log_begin)) return figures.fail("the customers' log is damaged");
  ByStep lost = {};
  ByStep others = {};
  for (const auto& [customer, seen] : log.purchases()) {
    if (seen.intended_us < from_us || seen.intended_us >= to || seen.user.empty()) continue;
    count(seen, shop::shard_of(seen.user, kShards) == 0 ? lost : others);
  }
  double answering = 0;
  for (std::size_t i = 0; i < kSteps.size(); ++i) {
    const std::string name(shop::step_name(kSteps[i]));
    figures.add(cat(name, ": answered, users of the lost shard"), "%", lost[i].percent());
    figures.add(cat(name, ": answered, users of the others"), "%", others[i].percent(),
                at_least(100));
    if (lost[i].percent() >= kAnswers && others[i].percent() >= kAnswers) answering += 1;
  }
  figures.add("core functions that answer for all users", "%",
              100 * answering / static_cast<double>(kSteps.size()), at_least(80));
  const nlohmann::json audit = lab.audit(since_us);
  figures.add(cat("ledger valid (it is ", audit.at("verdict").get<std::string>(), ")"), "",
              audit.at("verdict") == "valid" ? 1 : 0, at_least(1));
}

}  // namespace panshi::bench
