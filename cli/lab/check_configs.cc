// SPDX-License-Identifier: Apache-2.0
#include "cli/lab/check_configs.h"

#include <future>
#include <set>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/process.h"
#include "core/json/fields.h"

namespace panshi::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int kGood = 0;
constexpr int kWrong = 64;  // what our programs end with
constexpr auto kWithin = std::chrono::seconds(30);

std::future<ScriptResult> look(ProcessRunner& runner, const fs::path& program,
                               const fs::path& config) {
  auto done = std::make_shared<std::promise<ScriptResult>>();
  // The lab makes certificates and secrets when all is well.
  runner.run({.argv = {program.string(), "--config", config.string(), "--check-config",
                       "--without-files"}},
             kWithin, [done](ScriptResult result) { done->set_value(std::move(result)); });
  return done->get_future();
}

// What it wrote, a line each, without `FILE:` before.
std::vector<std::string> lines_of(const ScriptResult& result, const fs::path& file) {
  std::vector<std::string> lines;
  const std::string prefix = file.string() + ":";
  for (const std::string& line : split(result.output, '\n')) {
    if (!line.empty())
      lines.push_back(line.starts_with(prefix) ? line.substr(prefix.size()) : line);
  }
  return lines;
}

Status could_not(const fs::path& program, const ScriptResult& result) {
  return fail(ErrorCode::kInternal,
              cat(program.filename().string(), " --check-config: ", result.output));
}

// A mistake in an agent's configuration, as of the lab file that it was made from.
class LabFile {
 public:
  explicit LabFile(const Document& document) : document_(document) {}

  // `line`: "4:7: services[0].command is missing"
  void add(std::size_t node, const std::string& line) {
    const std::string text = line.substr(line.find(": ") + 2);
    const std::string path = text.substr(0, text.find(' '));
    const std::string message = text.substr(std::min(text.size(), path.size() + 1));
    if (said_.insert(cat(home(node, path), path, message)).second) {
      problems_.add(home(node, path) + path, message);
    }
  }

  Status status() const {
    if (problems_.empty()) return {};
    return fail(ErrorCode::kInvalid, problems_text(problems_, document_));
  }

 private:
  // Defaults are every node's; what a node says itself wins.
  std::string home(std::size_t node, const std::string& path) const {
    const std::string key = path.substr(0, path.find_first_of(".["));
    const bool own = document_.root["nodes"][node].contains(key);
    const Json defaults = document_.root.value("defaults", Json::object());
    return !own && defaults.contains(key) ? "defaults." : cat("nodes[", node, "].");
  }

  const Document& document_;
  Problems problems_;
  std::set<std::string> said_;  // a mistake in the defaults is found at every node
};

}  // namespace

Status check_agents(const LabPlan& plan, const Document& document, const fs::path& bin,
                    const fs::path& folder) {
  const fs::path program = bin / "panshi-agent";
  std::vector<std::future<ScriptResult>> results;
  ProcessRunner runner;
  const auto file = [&](std::size_t node) { return folder / cat("check-", node, ".json"); };
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const std::string text = dump_json_pretty(plan.nodes[i].config);
    if (Status written = write_file_durably(file(i), text, 0600); !written) return written;
    results.push_back(look(runner, program, file(i)));
  }
  LabFile mistakes(document);
  Status trouble;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const ScriptResult result = results[i].get();
    std::error_code ignored;
    fs::remove(file(i), ignored);
    if (result.exit.code == kGood) continue;
    if (result.exit.code != kWrong && trouble) trouble = could_not(program, result);
    if (result.exit.code != kWrong) continue;
    for (const std::string& line : lines_of(result, file(i))) mistakes.add(i, line);
  }
  return trouble ? mistakes.status() : trouble;
}

Status check_controller(const fs::path& bin, const fs::path& config) {
  const fs::path program = bin / "panshi-controller";
  ProcessRunner runner;
  const ScriptResult result = look(runner, program, config).get();
  if (result.exit.code == kGood) return {};
  if (result.exit.code != kWrong) return could_not(program, result);
  std::string text = result.output;
  text.erase(text.find_last_not_of('\n') + 1);
  return fail(ErrorCode::kInvalid, text);
}

}  // namespace panshi::cli
