// SPDX-License-Identifier: Apache-2.0
#include "core/model/runbook.h"

#include <array>

#include "core/base/text.h"
#include "core/model/names.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

const std::array<std::string, 2> kOnFailure = {"stop", "continue"};

std::string kind_names() {
  std::vector<std::string> names;
  for (const StepKind& kind : step_kinds()) names.emplace_back(kind.name);
  return join(names, ", ");
}

Step read_step(const nlohmann::json& json, const std::string& path, Problems& problems) {
  Step step;
  Fields in(json, path, problems);
  in.need("name", step.name);
  for (const StepKind& kind : step_kinds()) {
    const auto* found = in.may_value(kind.name);
    if (!found) continue;
    if (step.kind) {
      in.problem(kind.name, cat("is a second kind: the step is already a `", step.kind->name, "`"));
    }
    step.kind = &kind;
    step.idempotent = kind.idempotent;
    Fields fields(*found, in.path_of(kind.name), problems);
    step.action = kind.read(fields);
    fields.done();
  }
  if (!step.kind && json.is_object()) {
    in.problem("", cat("does nothing: one of ", kind_names(), " is needed"));
  }
  in.may("timeout", step.timeout, {1ms, 1h});
  in.may("retries", step.retries, {0, 100});
  const Comparison* const condition = step.action ? step.action->waits_for() : nullptr;
  if (condition && condition->hold >= step.timeout) {
    in.problem(cat(step.kind->name, ".for"),
               cat("can never be met: it is not shorter than `timeout` (",
                   duration_text(step.timeout), ")"));
  }
  in.may_word("on_failure", step.on_failure, kOnFailure);
  in.may("idempotent", step.idempotent);
  in.done();
  return step;
}

void read_guards(Fields& in, Runbook& runbook) {
  if (const auto* trigger = in.may_value("trigger")) {
    Fields fields(*trigger, in.path_of("trigger"), in.problems());
    fields.need("breach", runbook.breach);
    fields.done();
  }
  in.may("cooldown", runbook.cooldown, {0ms, 24h});
  if (const auto* runs_max = in.may_value("runs_max")) {
    Fields fields(*runs_max, in.path_of("runs_max"), in.problems());
    fields.need("count", runbook.runs_max, {1, 100});
    fields.need("within", runbook.runs_within, {1s, 24h * 7});
    fields.done();
  }
}

}  // namespace

Runbook read_runbook(const nlohmann::json& json, Problems& problems) {
  Runbook runbook;
  Fields in(json, "", problems);
  need_name(in, "name", runbook.name);
  in.need("title", runbook.title);
  read_guards(in, runbook);
  in.need_each("steps", [&](const nlohmann::json& item, const std::string& path) {
    runbook.steps.push_back(read_step(item, path, problems));
  });
  in.done();
  return runbook;
}

}  // namespace panshi
