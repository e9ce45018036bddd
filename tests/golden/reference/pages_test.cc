// SPDX-License-Identifier: Apache-2.0
// Promise: no page names a key of a file that its reader refuses, and the page of events names
// every kind of event that the controller writes, and no other.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>

#include "agents/config/config.h"
#include "cli/command.h"
#include "cli/lab/lab_plan.h"
#include "controller/config.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/yaml.h"
#include "core/model/rule.h"
#include "core/model/runbook.h"
#include "core/model/scenario.h"
#include "core/model/schedule.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = PANSHI_SOURCE_DIR;
constexpr std::size_t kSourceMax = 1 << 20;

std::string page(const std::string& name) {
  return read_file(kSource / "docs/reference" / name, kSourceMax).value();
}

// The examples of a page.
std::vector<std::string> yaml_of(const std::string& name) {
  std::vector<std::string> blocks;
  bool is_inside = false;
  for (const std::string& line : split(page(name), '\n')) {
    if (line == "```yaml") {
      is_inside = true;
      blocks.emplace_back();
    } else if (line.starts_with("```")) {
      is_inside = false;
    } else if (is_inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

// Of what a reader says: which keys it does not know. The examples are no whole files, so what is
// missing in them or only stands for something ("…") is not looked at.
std::vector<std::string> unknown_keys(const std::string& message) {
  std::vector<std::string> unknown;
  for (const std::string& line : split(message, '\n')) {
    if (line.find("is not a known field") != line.npos) unknown.push_back(line);
  }
  return unknown;
}

using Said = std::function<std::string(const Document&)>;

template <class Read>
Said reader(Read read) {
  return [read](const Document& document) {
    Problems problems;
    (void)read(document.root, problems);
    return problems.empty() ? "" : problems_text(problems, document);
  };
}

void check(const std::string& name, const std::string& block, const Said& read) {
  const auto document = read_yaml(block, name);
  INFO(block);
  REQUIRE(document);
  CHECK(unknown_keys(read(*document)) == std::vector<std::string>());
}

TEST_CASE("the page of files names no key that a scenario, rule, runbook or schedule has not") {
  const std::map<std::string, Said> readers = {
      {"# scenarios/", reader([](const auto& json, auto& to) { return read_scenario(json, to); })},
      {"# rules/", reader(&read_rules)},
      {"# runbooks/", reader(&read_runbook)},
      {"# schedules/", reader(&read_drill_days)}};
  std::size_t read = 0;
  for (const std::string& block : yaml_of("files.md")) {
    for (const auto& [begin, said] : readers) {
      if (!block.starts_with(begin)) continue;
      check("files.md", block, said);
      ++read;
    }
  }
  CHECK(read == readers.size());
}

TEST_CASE("the pages of agent, controller and lab name no key that their readers have not") {
  const auto said = [](const auto& result) { return result ? "" : result.error().message; };
  const auto agent = yaml_of("agent-api.md");
  REQUIRE(agent.size() == 2);
  check("agent-api.md", agent[0],
        [&](const Document&) { return said(agent::read_config(agent[0], "agent-api.md")); });
  const std::string node = "node: a\naddress: 127.0.0.1\nstate: /nowhere\n";
  CHECK(unknown_keys(said(agent::read_config(node + agent[1], "agent-api.md"))).empty());
  const auto controller = yaml_of("controller-api.md");
  REQUIRE(controller.size() == 1);
  const TemporaryFolder folder;
  std::ofstream(folder / "controller.yaml") << controller[0];
  CHECK(unknown_keys(said(controller::load_config(folder / "controller.yaml"))) ==
        std::vector<std::string>());
  const auto lab = yaml_of("lab.md");
  REQUIRE(lab.size() == 1);
  check("lab.md", lab[0], [&](const Document& document) {
    return said(cli::plan_lab(document, {.lab = folder.path(),
                                         .bin = folder.path(),
                                         .source = kSource,
                                         .user = "nobody",
                                         .network = "127.77"}));
  });
}

std::set<std::string> all_of(const std::string& text, const char* pattern) {
  std::set<std::string> found;
  const std::regex each(pattern);
  for (std::sregex_iterator at(text.begin(), text.end(), each), end; at != end; ++at) {
    found.insert((*at)[1]);
  }
  return found;
}

// Sources of a folder, one behind the other.
std::string sources(const char* folder) {
  std::string text;
  for (const auto& entry : fs::recursive_directory_iterator(kSource / folder)) {
    if (entry.path().extension() == ".cc") text += read_file(entry.path(), kSourceMax).value();
  }
  return text;
}

TEST_CASE("the page of events names each kind that the controller writes, and no other") {
  std::set<std::string> named;
  for (const std::string& line : split(page("events.md"), '\n')) {
    if (!line.starts_with("| `")) continue;
    const auto kinds = all_of(line.substr(0, line.find('|', 1)), "`([a-z]+[.][a-z_]+)`");
    named.insert(kinds.begin(), kinds.end());
  }
  const std::string controller = sources("controller");
  std::set<std::string> written = all_of(controller, R"re(emit\(\s*"([a-z]+[.][a-z_]+)")re");
  REQUIRE(written.size() > 30);
  for (const std::string& kind : written) {
    INFO(kind << " is written, and not in docs/reference/events.md");
    CHECK(named.contains(kind));
  }
  const std::set<std::string> known = all_of(controller, R"re("([a-z]+[.][a-z_]+)")re");
  const std::set<std::string> of_agents = all_of(sources("agents"), R"re("([a-z]+[.][a-z_]+)")re");
  for (const std::string& kind : named) {
    INFO(kind << " is in docs/reference/events.md, and nowhere in the program");
    CHECK((known.contains(kind) || of_agents.contains(kind)));
  }
}

// Whatever stands between `panshi ` and the end of that piece of code.
std::vector<std::string> commands_in(const std::string& text) {
  std::vector<std::string> all;
  constexpr std::string_view kProgram = "panshi ";
  for (auto at = text.find(kProgram); at != text.npos; at = text.find(kProgram, at + 1)) {
    const bool is_typed = at == 0 || text[at - 1] == '`' || text[at - 1] == '/' ||
                          text.substr(0, at).ends_with("$ ") || text[at - 1] == '\n';
    const auto begin = at + kProgram.size();
    if (is_typed)
      all.push_back(text.substr(begin, text.find_first_of("`\n|#;&>()", begin) - begin));
  }
  return all;
}

bool is_word(const std::string& text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == text.npos;
}

// What is wrong with it; "" when nothing is. Who has no such noun is prose.
std::string wrong_with(const std::string& typed) {
  const auto words = split(typed, ' ');
  const cli::Command* found = nullptr;
  bool has_noun = false;
  static const std::vector<cli::Command> kAll = cli::all_commands();
  static const std::set<std::string> kOfAll = {"--json", "--help", "--state", "--controller",
                                               "--token-file"};
  for (const cli::Command& each : kAll) {
    if (each.noun != words[0]) continue;
    has_noun = true;
    if (each.verb.empty() || (words.size() > 1 && each.verb == words[1])) found = &each;
  }
  if (!has_noun) {
    const bool is_prose = !is_word(words[0]) || words[0] == "help" || words[0].starts_with("-");
    return is_prose ? "" : "no such command";
  }
  if (found == nullptr) return words.size() > 1 && is_word(words[1]) ? "no such verb" : "";
  for (const std::string& word : words) {
    const std::string option = word.substr(0, word.find_first_of("=],."));
    if (!option.starts_with("--") || kOfAll.contains(option)) continue;
    const auto is_it = [&](const cli::Argument& each) { return each.name == option; };
    if (std::none_of(found->arguments.begin(), found->arguments.end(), is_it)) {
      return cat("no option ", option);
    }
  }
  return "";
}

TEST_CASE("no page tells to type a command or an option that there is not") {
  std::vector<fs::path> pages = {kSource / "README.md", kSource / "CONTRIBUTING.md",
                                 kSource / "ARCHITECTURE.md"};
  for (const auto& entry : fs::recursive_directory_iterator(kSource / "docs")) {
    const bool is_history = entry.path().string().find("/decisions/") != std::string::npos;
    if (entry.path().extension() == ".md" && !is_history) pages.push_back(entry.path());
  }
  std::size_t looked_at = 0;
  for (const fs::path& each : pages) {
    for (const std::string& typed : commands_in(read_file(each, kSourceMax).value())) {
      INFO(each.string() << ": panshi " << typed);
      CHECK(wrong_with(typed) == "");
      ++looked_at;
    }
  }
  CHECK(looked_at > 50);
}

}  // namespace
}  // namespace panshi
