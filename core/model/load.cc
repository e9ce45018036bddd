// SPDX-License-Identifier: Apache-2.0
#include "core/model/load.h"

#include <algorithm>
#include <optional>
#include <system_error>

#include "core/base/text.h"
#include "core/io/yaml.h"
#include "core/model/calendar.h"
#include "core/model/check.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;

enum class Kind { kScenario, kRules, kRunbook, kSchedule };
constexpr const char* kKindWords[] = {"scenario", "rules", "runbook", "schedule"};

// One file, read but not yet checked against the others.
struct LoadedFile {
  Document document;
  Kind kind = Kind::kScenario;
  Problems problems;
  Scenario scenario;
  std::vector<Rule> rules;
  Runbook runbook;
  std::vector<DrillDay> days;
};

struct Loaded {
  std::vector<LoadedFile> files;
  std::vector<std::string> lines;  // mistakes of files that could not even be parsed
};

std::optional<Kind> kind_of(const nlohmann::json& root) {
  if (!root.is_object()) return std::nullopt;
  if (root.contains("rules")) return Kind::kRules;
  if (root.contains("drill_days")) return Kind::kSchedule;
  if (root.contains("steps") || root.contains("trigger")) return Kind::kRunbook;
  if (root.contains("faults") || root.contains("steady_state")) return Kind::kScenario;
  return std::nullopt;
}

void load_file(const fs::path& path, std::optional<Kind> kind, Loaded& loaded) {
  auto document = load_yaml(path);
  if (!document) return loaded.lines.push_back(document.error().message);
  if (!kind) kind = kind_of(document->root);
  if (!kind) {
    return loaded.lines.push_back(
        cat(path.string(),
            ":1:1: neither a scenario (faults), nor rules (rules), a runbook (steps) "
            "or a schedule (drill_days)"));
  }
  LoadedFile file;
  file.document = std::move(*document);
  file.kind = *kind;
  const nlohmann::json& root = file.document.root;
  if (*kind == Kind::kScenario) file.scenario = read_scenario(root, file.problems);
  if (*kind == Kind::kRules) file.rules = read_rules(root, file.problems);
  if (*kind == Kind::kRunbook) file.runbook = read_runbook(root, file.problems);
  if (*kind == Kind::kSchedule) file.days = read_drill_days(root, file.problems);
  loaded.files.push_back(std::move(file));
}

// Collects the names, and reports one that is defined twice in different files.
CatalogNames collect_names(Loaded& loaded) {
  CatalogNames names;
  const auto add = [](std::vector<std::string>& list, const std::string& name,
                      const std::string& path, LoadedFile& file) {
    if (name.empty()) return;
    const bool twice = std::find(list.begin(), list.end(), name) != list.end();
    if (twice) file.problems.add(path, cat("`", name, "` is defined in another file too"));
    if (!twice) list.push_back(name);
  };
  for (LoadedFile& file : loaded.files) {
    if (file.kind == Kind::kScenario) add(names.scenarios, file.scenario.name, "name", file);
    if (file.kind == Kind::kRunbook) add(names.runbooks, file.runbook.name, "name", file);
    std::vector<std::string> own;  // twice in one file was reported by the reader
    for (std::size_t i = 0; i < file.rules.size(); ++i) {
      if (std::find(own.begin(), own.end(), file.rules[i].name) != own.end()) continue;
      own.push_back(file.rules[i].name);
      add(names.rules, file.rules[i].name, cat("rules[", i, "].name"), file);
    }
    own.clear();
    for (std::size_t i = 0; i < file.days.size(); ++i) {
      if (std::find(own.begin(), own.end(), file.days[i].name) != own.end()) continue;
      own.push_back(file.days[i].name);
      add(names.days, file.days[i].name, cat("drill_days[", i, "].name"), file);
    }
  }
  return names;
}

void check_zones(LoadedFile& file) {
  for (std::size_t i = 0; i < file.days.size(); ++i) {
    const auto zone = check_zone(file.days[i].zone);
    const bool read = !file.days[i].zone.empty();
    if (read && !zone) file.problems.add(cat("drill_days[", i, "].zone"), zone.error().message);
  }
}

void cross_check(Loaded& loaded, const Known& known) {
  for (LoadedFile& file : loaded.files) {
    if (file.kind == Kind::kScenario) check_scenario(file.scenario, known, file.problems);
    if (file.kind == Kind::kRules) check_rules(file.rules, known, file.problems);
    if (file.kind == Kind::kRunbook) check_runbook(file.runbook, known, file.problems);
    if (file.kind == Kind::kSchedule) check_drill_days(file.days, known, file.problems);
    check_zones(file);
  }
}

std::vector<std::string> mistakes(const Loaded& loaded) {
  std::vector<std::string> lines = loaded.lines;
  for (const LoadedFile& file : loaded.files) {
    if (file.problems.empty()) continue;
    std::string text = problems_text(file.problems, file.document);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    for (std::string& line : split(text, '\n')) lines.push_back(std::move(line));
  }
  return lines;
}

Status load_directory(const fs::path& directory, Kind kind, Loaded& loaded) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string extension = lower(it->path().extension().string());
    if (extension == ".yaml" || extension == ".yml") paths.push_back(it->path());
  }
  if (error) {
    return fail(ErrorCode::kNotFound,
                cat("read directory ", directory.string(), ": ", error.message()));
  }
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) load_file(path, kind, loaded);
  return {};
}

void keep_documents(const LoadedFile& file, Catalog& catalog) {
  const nlohmann::json& root = file.document.root;
  const auto each = [&](const char* word, const char* key, const auto& items) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      catalog.documents[cat(word, " ", items[i].name)] = root.at(key).at(i);
    }
  };
  if (file.kind == Kind::kScenario) catalog.documents["scenario " + file.scenario.name] = root;
  if (file.kind == Kind::kRunbook) catalog.documents["runbook " + file.runbook.name] = root;
  if (file.kind == Kind::kRules) each("rule", "rules", file.rules);
  if (file.kind == Kind::kSchedule) each("drill day", "drill_days", file.days);
}

std::string good_line(const LoadedFile& file) {
  const std::string start = cat(file.document.file, ": ", kKindWords[static_cast<int>(file.kind)]);
  if (file.kind == Kind::kScenario) return cat(start, " ", file.scenario.name);
  if (file.kind == Kind::kRunbook) return cat(start, " ", file.runbook.name);
  std::vector<std::string> names;
  for (const Rule& rule : file.rules) names.push_back(rule.name);
  for (const DrillDay& day : file.days) names.push_back(day.name);
  return cat(start, " ", join(names, ", "));
}

}  // namespace

Result<Catalog> load_catalog(const CatalogPaths& paths, Inventory inventory) {
  Loaded loaded;
  const std::pair<const fs::path&, Kind> directories[] = {{paths.scenarios, Kind::kScenario},
                                                          {paths.rules, Kind::kRules},
                                                          {paths.runbooks, Kind::kRunbook},
                                                          {paths.schedules, Kind::kSchedule}};
  for (const auto& [directory, kind] : directories) {
    if (kind == Kind::kSchedule && directory.empty()) continue;
    if (auto read = load_directory(directory, kind, loaded); !read) {
      return tl::unexpected<Error>(read.error());
    }
  }
  const CatalogNames names = collect_names(loaded);
  cross_check(loaded, {&inventory, &names.rules, &names.runbooks, &names.scenarios});
  if (const auto lines = mistakes(loaded); !lines.empty()) {
    return fail(ErrorCode::kInvalid, join(lines, "\n"));
  }
  Catalog catalog;
  catalog.inventory = std::move(inventory);
  for (LoadedFile& file : loaded.files) {
    keep_documents(file, catalog);
    if (file.kind == Kind::kScenario)
      catalog.scenarios[file.scenario.name] = std::move(file.scenario);
    if (file.kind == Kind::kRunbook) catalog.runbooks[file.runbook.name] = std::move(file.runbook);
    for (Rule& rule : file.rules) catalog.rules[rule.name] = std::move(rule);
    for (DrillDay& day : file.days) catalog.drill_days.push_back(std::move(day));
  }
  return catalog;
}

Validation validate_files(const std::vector<fs::path>& files, const Inventory* inventory,
                          const CatalogNames* also) {
  Loaded loaded;
  for (const fs::path& path : files) load_file(path, std::nullopt, loaded);
  CatalogNames names = collect_names(loaded);
  const auto given = [&](Kind kind) {
    return also || std::any_of(loaded.files.begin(), loaded.files.end(),
                               [&](const LoadedFile& file) { return file.kind == kind; });
  };
  for (auto list : {&CatalogNames::scenarios, &CatalogNames::rules, &CatalogNames::runbooks}) {
    if (also) (names.*list).insert((names.*list).end(), (also->*list).begin(), (also->*list).end());
  }
  cross_check(loaded, {inventory, given(Kind::kRules) ? &names.rules : nullptr,
                       given(Kind::kRunbook) ? &names.runbooks : nullptr,
                       given(Kind::kScenario) ? &names.scenarios : nullptr});
  Validation validation;
  validation.lines = mistakes(loaded);
  for (const LoadedFile& file : loaded.files) {
    if (file.problems.empty()) validation.good.push_back(good_line(file));
  }
  return validation;
}

}  // namespace panshi
