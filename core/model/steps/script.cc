// SPDX-License-Identifier: Apache-2.0
#include "core/model/names.h"
#include "core/model/script_variables.h"
#include "core/model/steps/step_kind.h"

namespace panshi {
namespace {

struct Script final : StepAction {
  std::string node;
  std::string name;  // plain file name in the node's script directory
  nlohmann::json env = nlohmann::json::object();

  std::string target() const override { return cat("node ", node); }
  std::string text() const override { return cat("run ", name, " on ", node); }
  void check(const Place& place) const override { (void)check_node(place, node); }
  StepOrder order(const Inventory&) const override {
    return {.node = node, .kind = "script", .params = {{"name", name}, {"env", env}}};
  }
};

void check_variables(Fields& in, const nlohmann::json& env) {
  if (!env.is_object()) return in.problem("env", "must be an object of texts");
  if (env.size() > kScriptVariablesMax) {
    in.problem("env", cat("must have at most ", kScriptVariablesMax, " names"));
  }
  for (const auto& [name, value] : env.items()) {
    const bool fits =
        value.is_string() && value.get_ref<const std::string&>().size() <= kScriptVariableBytesMax;
    if (!fits) {
      in.problem(cat("env.", name),
                 cat("must be text of at most ", kScriptVariableBytesMax, " bytes"));
    }
    if (const std::string why = why_not_variable(name); !why.empty()) {
      in.problem(cat("env.", name), why);
    }
  }
}

}  // namespace

StepKind script_step() {
  return {.name = "script",
          .summary = "Run a script of the node's script directory.",
          .read = [](Fields& in) -> std::shared_ptr<const StepAction> {
            auto step = std::make_shared<Script>();
            in.need("node", step->node);
            in.need("name", step->name);
            if (!step->name.empty() && !is_id(step->name)) {
              in.problem("name",
                         "must be the plain name of a file in the script directory, not a path");
            }
            if (const auto* env = in.may_value("env")) {
              check_variables(in, *env);
              if (env->is_object()) step->env = *env;
            }
            return step;
          },
          .idempotent = false};
}

}  // namespace panshi
