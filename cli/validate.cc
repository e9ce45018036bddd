// SPDX-License-Identifier: Apache-2.0
// panshi validate FILE…
#include <stdlib.h>

#include "cli/connection.h"
#include "cli/exit_codes.h"
#include "cli/known_inventory.h"
#include "cli/lab/check_configs.h"
#include "cli/show.h"
#include "core/base/text.h"
#include "core/model/load.h"

namespace panshi::cli {
namespace {

namespace fs = std::filesystem;

Status agents_agree(const LabPlan& plan, const Document& document) {
  std::error_code error;
  std::string folder = (fs::temp_directory_path(error) / "panshi-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return fail(ErrorCode::kInternal, "no place in " + folder);
  Status good =
      check_agents(plan, document, fs::read_symlink("/proc/self/exe", error).parent_path(), folder);
  fs::remove_all(folder, error);
  return good;
}

// A good one is the inventory of the files beside it.
void check_lab(const Document& document, Validation& into, std::optional<KnownInventory>& known) {
  const Result<LabPlan> plan = plan_to_check(document);
  if (plan) {
    if (auto inventory = inventory_of(*plan)) known = *std::move(inventory);
  }
  const Status good = plan ? agents_agree(*plan, document) : tl::unexpected<Error>(plan.error());
  if (good) {
    into.good.push_back(cat(document.file, ": lab ", plan->name));
    return;
  }
  for (std::string& line : split(good.error().message, '\n')) into.lines.push_back(std::move(line));
}

struct Checked {
  Validation result;
  std::optional<KnownInventory> known;
};

Result<Checked> check(const Invocation& invocation) {
  Checked checked;
  Validation& result = checked.result;
  std::vector<fs::path> others;
  for (const std::string& file : invocation.texts("file")) {
    const Result<Document> document = load_yaml(file);
    if (document && is_lab(*document)) {
      check_lab(*document, result, checked.known);
    } else {
      others.emplace_back(file);
    }
  }
  if (others.empty()) return checked;
  if (invocation.has("--inventory")) {
    ASSIGN_OR_RETURN(checked.known, inventory_in(invocation.text("--inventory")));
  } else if (!checked.known) {
    auto known = inventory_of_controller(invocation);
    if (!known) {
      return fail(known.error().code,
                  cat(known.error().message,
                      "; `--inventory FILE` names nodes and services without a controller"));
    }
    checked.known = *std::move(known);
  }
  const auto& known = checked.known;
  Validation rest = validate_files(others, known ? &known->inventory : nullptr,
                                   known && known->names ? &*known->names : nullptr);
  result.good.insert(result.good.end(), rest.good.begin(), rest.good.end());
  result.lines.insert(result.lines.end(), rest.lines.begin(), rest.lines.end());
  return checked;
}

// What was not looked at is said, or silence would pass for a yes.
std::string scope_of(const Checked& checked) {
  if (checked.known) {
    // One that does not say leaves room for any name.
    std::vector<std::string> silent;
    std::vector<std::string> unreached;
    for (const auto& [name, node] : checked.known->inventory.nodes) {
      if (!node.offer.signals) silent.push_back(name);
      if (!node.offer.reach) unreached.push_back(name);
    }
    return cat(
        "nodes, services, links", silent.empty() ? ", programs and signals" : " and programs",
        " are checked against ", checked.known->from,
        silent.empty()
            ? ""
            : cat("; names of signals are not: there is no list `signals` of node ",
                  join(silent, ", "), " (a controller that runs knows them from its agents)"),
        unreached.empty() ? ""
                          : cat("; nor what faults there can work through: no `reach` of ",
                                join(unreached, ", ")));
  }
  return "names of nodes, services, links, programs and signals are not checked: give the lab file "
         "too, or --inventory FILE, or --controller URL";
}

int validate(Invocation& invocation) {
  const Result<Checked> checked = check(invocation);
  if (!checked) return report_error(invocation, checked.error());
  const Validation& result = checked->result;
  Terminal& terminal = invocation.terminal;
  if (!invocation.json) terminal.line(scope_of(*checked));
  if (invocation.json) {
    terminal.document(
        {{"ok", result.lines.empty()},
         {"good", result.good},
         {"mistakes", result.lines},
         {"inventory", checked->known ? nlohmann::json(checked->known->from) : nullptr}});
  } else {
    for (const std::string& line : result.good) terminal.line(line);
  }
  for (const std::string& line : result.lines) terminal.error(line);
  return result.lines.empty() ? kPass : kUsage;
}

}  // namespace

std::vector<Command> validate_commands() {
  return {
      {"validate",
       "",
       "Check scenarios, runbooks, rules, schedules and lab files: every mistake with its place.",
       "panshi validate scenarios/*.yaml rules/*.yaml runbooks/*.yaml",
       {{"file", "FILE", "files to check together", true, true},
        {"--inventory", "FILE",
         "lab file or controller's configuration that says what there is (default: a lab file "
         "among "
         "FILEs, else the controller)"}},
       validate}};
}

}  // namespace panshi::cli
