// SPDX-License-Identifier: Apache-2.0
#include "core/model/runbook.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "core/model/names.h"
#include "core/model/script_variables.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

const std::array<std::string, 2> kEstablished = {"drain", "reset"};
const std::array<std::string, 2> kMarks = {"ok", "degraded"};
const std::array<std::string, 2> kOnFailure = {"stop", "continue"};

void read_restart(Fields& in, Step& step) { in.need("service", step.service); }

void read_reroute(Fields& in, Step& step) {
  in.need("node", step.node);
  in.need("link", step.link);
  in.need("to", step.to);
  in.may_word("established", step.established, kEstablished);
}

void read_mark(Fields& in, Step& step) {
  in.need("service", step.service);
  in.need_word("as", step.as, kMarks);
}

void read_script(Fields& in, Step& step) {
  in.need("node", step.node);
  in.need("name", step.script);
  if (!step.script.empty() && !is_id(step.script)) {
    in.problem("name", "must be the plain name of a file in the script directory, not a path");
  }
  const auto* env = in.may_value("env");
  if (!env) return;
  if (!env->is_object()) return in.problem("env", "must be an object of texts");
  if (env->size() > kScriptVariablesMax) {
    in.problem("env", cat("must have at most ", kScriptVariablesMax, " names"));
  }
  for (const auto& [name, value] : env->items()) {
    const bool fits =
        value.is_string() && value.get_ref<const std::string&>().size() <= kScriptVariableBytesMax;
    if (!fits)
      in.problem(cat("env.", name),
                 cat("must be text of at most ", kScriptVariableBytesMax, " bytes"));
    if (const std::string why = why_not_variable(name); !why.empty())
      in.problem(cat("env.", name), why);
  }
  step.env = *env;
}

void read_wait_for(Fields& in, Step& step) { read_comparison(in, step.condition); }

void read_notify(Fields& in, Step& step) {
  in.need("channel", step.channel);
  in.need("message", step.message);
  in.may("page", step.page);
}

struct StepKind {
  const char* name;
  void (*read)(Fields& in, Step& step);
  bool idempotent;  // by default
};
// To add a step: a row here, and what it sends in controller/runbooks/steps.cc.
constexpr std::array<StepKind, 6> kStepKinds = {{{"restart", &read_restart, true},
                                                 {"reroute", &read_reroute, true},
                                                 {"mark", &read_mark, true},
                                                 {"script", &read_script, false},
                                                 {"wait_for", &read_wait_for, true},
                                                 {"notify", &read_notify, false}}};

Step read_step(const nlohmann::json& json, const std::string& path, Problems& problems) {
  Step step;
  Fields in(json, path, problems);
  in.need("name", step.name);
  for (const StepKind& kind : kStepKinds) {
    const auto* found = in.may_value(kind.name);
    if (!found) continue;
    if (!step.kind.empty()) {
      in.problem(kind.name, cat("is a second kind: the step is already a `", step.kind, "`"));
    }
    step.kind = kind.name;
    step.idempotent = kind.idempotent;
    Fields fields(*found, in.path_of(kind.name), problems);
    kind.read(fields, step);
    fields.done();
  }
  if (step.kind.empty() && json.is_object()) {
    in.problem("",
               "does nothing: one of restart, reroute, mark, script, wait_for, notify is needed");
  }
  in.may("timeout", step.timeout, {1ms, 1h});
  in.may("retries", step.retries, {0, 100});
  if (step.kind == "wait_for" && step.condition.hold >= step.timeout) {
    in.problem("wait_for.for", cat("can never be met: it is not shorter than `timeout` (",
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

std::string Step::target() const {
  if (kind == "restart" || kind == "mark") return cat("service ", service);
  if (kind == "reroute") return cat("link ", node, "/", link);
  if (kind == "script") return cat("node ", node);
  return {};
}

std::string Step::text() const {
  if (kind == "restart") return cat("restart ", service);
  if (kind == "mark") return cat("mark ", service, " ", as);
  if (kind == "reroute") {
    return cat("reroute ", node, "/", link, " to ", to, ", established connections: ", established);
  }
  if (kind == "script") return cat("run ", script, " on ", node);
  if (kind == "wait_for") return cat("wait for ", condition.text());
  return cat("notify ", channel, page ? " (page): " : ": ", message);
}

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
