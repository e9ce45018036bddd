// SPDX-License-Identifier: Apache-2.0
#include "core/model/rule.h"

#include <array>
#include <map>

#include "core/base/text.h"
#include "core/model/names.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

const std::array<std::string, 6> kRuleOperators = {">", ">=", "<", "<=", "==", "!="};
const std::array<std::string, 2> kSeverities = {"ticket", "page"};
const std::map<std::string, std::string> kOpposite = {{">", "<="}, {">=", "<"},  {"<", ">="},
                                                      {"<=", ">"}, {"==", "!="}, {"!=", "=="}};

void read_clear(Fields& in, Rule& rule) {
  rule.clear = rule.when;
  rule.clear.hold = 0us;
  rule.clear.is = kOpposite.at(rule.when.is);
  if (const auto* found = in.may_value("clear_when")) {
    Fields clear(*found, in.path_of("clear_when"), in.problems());
    clear.need_word("is", rule.clear.is, kRuleOperators);
    clear.need("value", rule.clear.value);
    clear.done();
  }
  in.may("clear_for", rule.clear.hold, {0ms, 1h});
}

Rule read_rule(const nlohmann::json& json, const std::string& path, Problems& problems) {
  Rule rule;
  Fields in(json, path, problems);
  need_name(in, "name", rule.name);
  in.need("title", rule.title);
  read_comparison(in, rule.when);
  read_clear(in, rule);
  if (const auto* target = in.need_value("target")) {
    rule.target = read_target(*target, in.path_of("target"), problems);
    if (rule.target.services.size() > 1) in.problem("target", "must be a single service");
  }
  in.may_word("severity", rule.severity, kSeverities);
  in.done();
  return rule;
}

}  // namespace

std::vector<Rule> read_rules(const nlohmann::json& json, Problems& problems) {
  std::vector<Rule> rules;
  Fields in(json, "", problems);
  in.need_each("rules", [&](const nlohmann::json& item, const std::string& path) {
    Rule rule = read_rule(item, path, problems);
    for (const Rule& other : rules) {
      if (other.name == rule.name)
        problems.add(path + ".name", cat("`", rule.name, "` is used twice"));
    }
    rules.push_back(std::move(rule));
  });
  in.done();
  return rules;
}

}  // namespace panshi
