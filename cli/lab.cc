// SPDX-License-Identifier: Apache-2.0
// panshi lab up | down | status
#include <unistd.h>

#include <atomic>

#include "cli/connection.h"
#include "cli/exit_codes.h"
#include "cli/lab/agents.h"
#include "cli/lab/lab_down.h"
#include "cli/lab/lab_up.h"
#include "cli/lab/processes.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/signals.h"
#include "core/io/trusted_path.h"

namespace panshi::cli {
namespace {

namespace fs = std::filesystem;

fs::path own_directory() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

// The project: the nearest directory above the programs that has platform/lab.
fs::path find_source(const fs::path& from) {
  for (fs::path here = from; here.has_relative_path(); here = here.parent_path()) {
    std::error_code error;
    if (fs::is_directory(here / "platform" / "lab", error)) return here;
  }
  return {};
}

// Which shop; each is a lab file of the project.
struct Architecture {
  const char* name;
  const char* file;
};
constexpr Architecture kArchitectures[] = {{"resilient", "shop.yaml"},
                                           {"legacy", "shop-legacy.yaml"}};

// The file's name; kInvalid with the nearest known architecture.
Result<std::string> lab_file(const std::string& architecture) {
  std::vector<std::string> names;
  for (const Architecture& one : kArchitectures) {
    if (architecture == one.name) return std::string(one.file);
    names.emplace_back(one.name);
  }
  return fail(ErrorCode::kInvalid,
              cat("no architecture `", architecture, "`", did_you_mean(architecture, names),
                  "; there are ", join(names, " and ")));
}

LabUpOptions options_of(const Invocation& invocation, const std::string& bundled_file) {
  LabUpOptions options;
  options.plan.lab = state_directory(invocation);
  options.plan.bin = own_directory();
  options.plan.source = invocation.has("--source") ? fs::absolute(invocation.text("--source"))
                                                   : find_source(options.plan.bin);
  options.plan.user = own_user_name();
  options.plan.is_root = geteuid() == 0;
  options.plan.network = invocation.text("--network");
  options.network_given = invocation.has("--network");
  options.plan.rate = invocation.integer("--rate").value_or(0);
  options.within = std::chrono::seconds(invocation.integer("--within").value_or(60));
  options.file = invocation.has("--file") ? fs::absolute(invocation.text("--file"))
                                          : options.plan.source / "platform" / "lab" / bundled_file;
  return options;
}

bool is_network(const std::string& text) {
  const std::vector<std::string> octets = split(text, '.');
  return octets.size() == 2 && octets[0] == "127" && !octets[1].empty() && octets[1].size() <= 3 &&
         octets[1].find_first_not_of("0123456789") == std::string::npos &&
         std::stoi(octets[1]) < 256;
}

int up(Invocation& invocation) {
  if (invocation.has("--network") && !is_network(invocation.text("--network"))) {
    invocation.terminal.error("--network wants a loopback network like 127.77");
    return kUsage;
  }
  if (invocation.has("--architecture") && invocation.has("--file")) {
    invocation.terminal.error("--architecture and --file both say what to start; give one");
    return kUsage;
  }
  const auto file = lab_file(invocation.text("--architecture", "resilient"));
  if (!file) {
    report_error(invocation, file.error());
    return kUsage;
  }
  prepare_signals();
  std::atomic<bool> stop = false;
  // What has been started is stopped, however often Ctrl-C is pressed: half a lab helps nobody.
  const StopSignal on_stop([&](int) { stop = true; }, [](int) {});
  const Result<LabUpResult> result =
      bring_lab_up(options_of(invocation, *file), stop, invocation.terminal);
  if (!result) {
    report_error(invocation, result.error());
    if (stop) return kInterrupted;
    return result.error().code == ErrorCode::kInvalid || result.error().code == ErrorCode::kNotFound
               ? kUsage
               : kFail;
  }
  const LabRecord& record = result->record;
  if (result->already_up) {
    invocation.terminal.line(
        cat("lab ", record.name, " is already up on ", record.network, ".0.0"));
  } else {
    invocation.terminal.line(cat("lab ", record.name, " is up: ", result->services,
                                 " services ready in ", result->took.count(), " ms, controller ",
                                 record.controller_url));
  }
  if (invocation.json) invocation.terminal.document(to_json(record));
  return kPass;
}

nlohmann::json down_document(const LabDownResult& result) {
  return {{"stopped", result.stopped},
          {"killed", result.killed},
          {"left_running", result.left_running},
          {"left_listening", result.left_listening},
          {"clean", result.clean()}};
}

int say_down(Invocation& invocation, const LabDownResult& result) {
  Terminal& terminal = invocation.terminal;
  if (invocation.json) terminal.document(down_document(result));
  for (const std::string& one : result.killed) terminal.line("had to be killed: " + one);
  if (result.clean()) {
    terminal.line(cat("lab is down: ", result.stopped,
                      " processes stopped, nothing is left running or listening"));
    return kPass;
  }
  for (const std::string& one : result.left_running) terminal.error("still running: " + one);
  for (const std::string& one : result.left_listening) terminal.error("still listening: " + one);
  return kFail;
}

int down(Invocation& invocation) {
  const fs::path lab = state_directory(invocation);
  std::error_code error;
  if (!fs::is_directory(lab, error)) {
    if (invocation.json) invocation.terminal.document(down_document({}));
    invocation.terminal.line("no lab in " + lab.string());
    return kPass;
  }
  if (Status ours = check_trusted(lab); !ours) return report_error(invocation, ours.error());
  const Result<LockFile> lock = LockFile::acquire(lab / "lab.lock");
  if (!lock) return report_error(invocation, lock.error());
  // No record: one was never written, or somebody removed it. What runs is found all the same.
  const LabRecord record = read_lab_record(lab).value_or(LabRecord{});
  const LabDownResult result = take_lab_down(lab, record, [&](const std::string& node) {
    invocation.terminal.status("stopping " + node);
  });
  if (result.clean()) fs::remove(lab_record_file(lab), error);
  return say_down(invocation, result);
}

int status(Invocation& invocation) {
  const Result<LabRecord> record = read_lab_record(state_directory(invocation));
  if (!record && record.error().code == ErrorCode::kRefused)
    return report_error(invocation, record.error());
  if (!record) {
    if (invocation.json)
      invocation.terminal.document({{"up", false}, {"nodes", nlohmann::json::array()}});
    invocation.terminal.line("no lab is up in " + state_directory(invocation).string());
    return kFail;
  }
  LabCalls calls(*record);
  const bool controller = calls.controller_answers();
  bool all = controller;
  nlohmann::json nodes = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows = {{"node", "address", "service", "state", "pid"}};
  for (const LabRecordNode& node : record->nodes) {
    const NodeSeen seen = calls.ask_agent(node);
    all = all && seen.all_ready();
    nodes.push_back(to_json(seen));
    if (!seen.up) rows.push_back({node.name, node.address, "(agent)", "does not answer", ""});
    for (const ServiceSeen& service : seen.services) {
      rows.push_back({node.name, node.address, service.name,
                      service.mark == "degraded" ? service.state + ", degraded" : service.state,
                      std::to_string(service.pid)});
    }
  }
  if (invocation.json) {
    invocation.terminal.document(
        {{"up", all},
         {"name", record->name},
         {"network", record->network},
         {"controller", {{"url", record->controller_url}, {"up", controller}}},
         {"nodes", std::move(nodes)}});
    return all ? kPass : kFail;
  }
  invocation.terminal.line(cat("lab ", record->name, " on ", record->network, ".0.0, controller ",
                               record->controller_url, controller ? "" : " (does not answer)"));
  invocation.terminal.line(table(rows));
  return all ? kPass : kFail;
}

}  // namespace

std::vector<Command> lab_commands() {
  return {{"lab",
           "up",
           "Start the bundled shop, its agents and the controller.",
           "panshi lab up --state /tmp/shop --rate 50",
           {{"--architecture", "NAME", "resilient (default), or legacy: the shop as it was before"},
            {"--file", "FILE", "lab file (default: platform/lab/shop.yaml)"},
            {"--network", "127.N", "loopback network (default: the file's, or the next free one)"},
            {"--rate", "N", "orders per second (default: the file's)", false, false, 1, 10'000},
            {"--within", "N", "seconds until everything must be ready (default: 60)", false, false,
             1, 3'600},
            {"--source", "DIR", "root of the project (default: found above the program)"}},
           up},
          {"lab",
           "down",
           "Stop everything and check that nothing is left.",
           "panshi lab down",
           {},
           down},
          {"lab", "status", "Show nodes and services.", "panshi lab status --json", {}, status}};
}

}  // namespace panshi::cli
