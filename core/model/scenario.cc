// SPDX-License-Identifier: Apache-2.0
#include "core/model/scenario.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "core/model/names.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kFaultsMax = 32;
const std::array<std::string, 4> kOutcomes = {"ok", "failed", "unknown", "cancelled"};
const std::array<std::string, 2> kDuring = {"fault", "recovered"};

Comparison read_lone_comparison(const nlohmann::json& json, const std::string& path,
                                Problems& problems) {
  Comparison comparison;
  Fields in(json, path, problems);
  read_comparison(in, comparison);
  in.done();
  return comparison;
}

void read_steady(Fields& in, Scenario& scenario) {
  const nlohmann::json* found = in.need_value("steady_state");
  if (!found) return;
  Fields steady(*found, in.path_of("steady_state"), in.problems());
  steady.may("within", scenario.steady_within, {1ms, 1h});
  steady.need_each("checks", [&](const nlohmann::json& item, const std::string& path) {
    scenario.steady.push_back(read_lone_comparison(item, path, in.problems()));
  });
  steady.done();
}

void read_faults(Fields& in, Scenario& scenario) {
  in.need_each("faults", [&](const nlohmann::json& item, const std::string& path) {
    ScenarioFault fault = read_scenario_fault(item, path, in.problems());
    for (const ScenarioFault& other : scenario.faults) {
      if (other.id == fault.id)
        in.problems().add(path + ".id", cat("`", fault.id, "` is used twice"));
    }
    scenario.faults.push_back(std::move(fault));
  });
  if (scenario.faults.size() > kFaultsMax) in.problem("faults", cat("more than ", kFaultsMax));
}

Expectation read_expectation(const nlohmann::json& json, const std::string& path,
                             Problems& problems) {
  Expectation expectation;
  Fields in(json, path, problems);
  if (in.has("breach")) {
    expectation.kind = Expectation::Kind::kBreach;
    in.need("breach", expectation.breach);
    in.need("within", expectation.within, {1ms, 1h});
  } else if (in.has("run")) {
    expectation.kind = Expectation::Kind::kRun;
    in.need("run", expectation.run);
    in.may_word("outcome", expectation.outcome, kOutcomes);
  } else if (in.has("signal")) {
    expectation.kind = Expectation::Kind::kSignal;
    read_comparison(in, expectation.signal);
    in.need_word("during", expectation.during, kDuring);
    if (expectation.during == "fault" && expectation.signal.hold > 0us) {
      in.problem("for", "has no meaning with `during: fault`, which is true at every sample");
    }
  } else if (json.is_object()) {
    return in.problem("", "expects nothing: one of `breach`, `run`, `signal` is needed"),
           expectation;
  }
  in.done();
  return expectation;
}

void read_audit(Fields& in, Scenario& scenario) {
  const nlohmann::json* found = in.may_value("audit");
  if (!found) return;
  Audit audit;
  Fields fields(*found, in.path_of("audit"), in.problems());
  fields.need("node", audit.node);
  fields.need("program", audit.program);
  fields.may("timeout", audit.timeout, {1s, 1h});
  fields.done();
  scenario.audit = std::move(audit);
}

// Holds that are longer than the time in which they are looked at.
void check_holds(Fields& in, const Scenario& scenario) {
  Duration braked = scenario.recover_within;  // stop conditions are looked at until then
  for (const ScenarioFault& fault : scenario.faults) {
    braked = std::max(braked, fault.at + fault.term + scenario.recover_within);
  }
  const auto never = [&](const std::string& list, std::size_t i, std::string_view what,
                         Duration most) {
    in.problems().add(
        cat(in.path_of(list), "[", i, "].for"),
        cat("can never be met: it is longer than ", what, " (", duration_text(most), ")"));
  };
  for (std::size_t i = 0; i < scenario.abort_if.size(); ++i) {
    if (scenario.abort_if[i].hold <= braked) continue;
    never("abort_if", i, "the faults and `recover_within` together", braked);
  }
  for (std::size_t i = 0; i < scenario.expect.size(); ++i) {
    const Expectation& expected = scenario.expect[i];
    const bool recovered =
        expected.kind == Expectation::Kind::kSignal && expected.during == "recovered";
    if (recovered && expected.signal.hold > scenario.settle) {
      never("expect", i, "`settle`", scenario.settle);
    }
  }
  for (std::size_t i = 0; i < scenario.steady.size(); ++i) {
    const bool before = scenario.steady_within <= scenario.recover_within;
    const Duration most = before ? scenario.steady_within : scenario.recover_within;
    if (scenario.steady[i].hold <= most) continue;
    never("steady_state.checks", i, before ? "`within`" : "`recover_within`", most);
  }
}

}  // namespace

std::string Expectation::text() const {
  switch (kind) {
    case Kind::kBreach:
      return cat("breach ", breach, " within ", duration_text(within));
    case Kind::kRun:
      return cat("run ", run, " ends ", outcome);
    case Kind::kSignal:
      return cat(signal.text(),
                 during == "fault" ? " while a fault is in force" : " when recovered");
  }
  return {};
}

ScenarioFault read_scenario_fault(const nlohmann::json& json, const std::string& path,
                                  Problems& problems) {
  ScenarioFault fault;
  Fields in(json, path, problems);
  need_name(in, "id", fault.id);
  in.need("kind", fault.kind);
  if (const auto* target = in.need_value("target")) {
    fault.target = read_target(*target, in.path_of("target"), problems);
  }
  if (const auto* params = in.may_value("params")) {
    if (!params->is_object()) in.problem("params", "must be an object");
    fault.params = *params;
  }
  in.may("at", fault.at, {0ms, 1h});
  in.need("for", fault.term, {1ms, 1h});
  in.done();
  return fault;
}

Scenario read_scenario(const nlohmann::json& json, Problems& problems, const std::string& path) {
  Scenario scenario;
  scenario.document = json;
  Fields in(json, path, problems);
  need_name(in, "name", scenario.name);
  in.need("title", scenario.title);
  in.may("summary", scenario.summary);
  read_steady(in, scenario);
  read_faults(in, scenario);
  if (const auto* limits = in.may_value("limits")) {
    Fields fields(*limits, in.path_of("limits"), problems);
    fields.may("targets_max", scenario.targets_max, {1, 100});
    fields.done();
  }
  in.may_each("expect", [&](const nlohmann::json& item, const std::string& at) {
    scenario.expect.push_back(read_expectation(item, at, problems));
  });
  in.may_each("abort_if", [&](const nlohmann::json& item, const std::string& at) {
    scenario.abort_if.push_back(read_lone_comparison(item, at, problems));
  });
  in.may("recover_within", scenario.recover_within, {1ms, 1h});
  in.may("settle", scenario.settle, {0ms, 1h});
  read_audit(in, scenario);
  check_holds(in, scenario);
  in.done();
  return scenario;
}

}  // namespace panshi
