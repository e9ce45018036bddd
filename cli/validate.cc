// SPDX-License-Identifier: Apache-2.0
// panshi validate FILE…
#include <stdlib.h>

#include "cli/connection.h"
#include "cli/exit_codes.h"
#include "cli/lab/check_configs.h"
#include "cli/lab/lab_plan.h"
#include "core/base/text.h"
#include "core/model/load.h"

namespace panshi::cli {
namespace {

namespace fs = std::filesystem;

// Only a lab file has nodes with hosts; core/model knows the other kinds.
bool is_lab(const Document& document) {
  return document.root.is_object() && document.root.contains("nodes") &&
         document.root.contains("network");
}

Status agents_agree(const LabPlan& plan, const Document& document) {
  std::error_code error;
  std::string folder = (fs::temp_directory_path(error) / "panshi-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return fail(ErrorCode::kInternal, "no place in " + folder);
  Status good =
      check_agents(plan, document, fs::read_symlink("/proc/self/exe", error).parent_path(), folder);
  fs::remove_all(folder, error);
  return good;
}

void check_lab(const Document& document, Validation& into) {
  const LabOptions options{"/lab", "/bin", "/source", "user", "", 0};
  const Result<LabPlan> plan = plan_lab(document, options);
  const Status good = plan ? agents_agree(*plan, document) : tl::unexpected<Error>(plan.error());
  if (good) {
    into.good.push_back(cat(document.file, ": lab ", plan->name));
    return;
  }
  for (std::string& line : split(good.error().message, '\n')) into.lines.push_back(std::move(line));
}

Validation check(const std::vector<std::string>& files) {
  Validation result;
  std::vector<fs::path> others;
  for (const std::string& file : files) {
    const Result<Document> document = load_yaml(file);
    if (document && is_lab(*document)) {
      check_lab(*document, result);
    } else {
      others.emplace_back(file);
    }
  }
  if (others.empty()) return result;
  Validation rest = validate_files(others, nullptr);
  result.good.insert(result.good.end(), rest.good.begin(), rest.good.end());
  result.lines.insert(result.lines.end(), rest.lines.begin(), rest.lines.end());
  return result;
}

int validate(Invocation& invocation) {
  const Validation result = check(invocation.texts("file"));
  Terminal& terminal = invocation.terminal;
  if (invocation.json) {
    terminal.document(
        {{"ok", result.lines.empty()}, {"good", result.good}, {"mistakes", result.lines}});
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
       {{"file", "FILE", "files to check together", true, true}},
       validate}};
}

}  // namespace panshi::cli
