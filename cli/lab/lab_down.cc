// SPDX-License-Identifier: Apache-2.0
#include "cli/lab/lab_down.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cli/lab/lab_plan.h"
#include "cli/lab/processes.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kAgentWithin = 30s;  // its services in order, some flush to disk
constexpr auto kControllerWithin = 10s;
constexpr auto kServiceWithin = 5s;
constexpr auto kKillWithin = 3s;
constexpr int kKillRounds = 3;

using Filter = std::function<bool(const LabProcess&)>;

std::vector<LabProcess> matching(const fs::path& lab, const Filter& filter) {
  std::vector<LabProcess> found = find_lab_processes(lab);
  std::erase_if(found, [&](const LabProcess& process) { return !filter(process); });
  return found;
}

bool wait_gone(const fs::path& lab, const Filter& filter, std::chrono::milliseconds within) {
  const auto deadline = std::chrono::steady_clock::now() + within;
  while (!matching(lab, filter).empty()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

std::string label(const LabProcess& process) {
  return cat(process.node, process.service.empty() ? "" : " " + process.service, ", pid ",
             process.process.pid);
}

// The process by its name (pid and start), and no other.
void send(const ProcessName& process, int signal) {
  if (is_alive(process)) kill(process.pid, signal);
}

// All of them stand still before one dies: a guardian starts the next agent, an agent the next
// guardian. Whoever was started meanwhile is found in the next round.
void kill_all(const fs::path& lab, const Filter& filter, LabDownResult& result) {
  for (int round = 0; round < kKillRounds; ++round) {
    const std::vector<LabProcess> all = matching(lab, filter);
    for (const LabProcess& process : all) send(process.process, SIGSTOP);
    for (const LabProcess& process : all) {
      result.killed.push_back(label(process));
      send(process.process, SIGKILL);
    }
    if (wait_gone(lab, filter, kKillWithin)) return;
  }
}

// The agent or controller of `node`: politely to its main process; its guardian ends with it.
void stop_program(const fs::path& lab, const std::string& node, std::chrono::milliseconds within,
                  LabDownResult& result) {
  const Filter filter = [&](const LabProcess& p) { return p.node == node && p.service.empty(); };
  if (const auto main = main_process(lab, node)) {
    send(*main, SIGTERM);
  } else {
    for (const LabProcess& process : matching(lab, filter)) send(process.process, SIGTERM);
  }
  if (!wait_gone(lab, filter, within)) kill_all(lab, filter, result);
}

// Services whose agent is no more. A frozen one must be woken to hear the signal.
void stop_orphans(const fs::path& lab, const std::string& node, LabDownResult& result) {
  const Filter filter = [&](const LabProcess& p) { return p.node == node && !p.service.empty(); };
  const std::vector<LabProcess> orphans = matching(lab, filter);
  for (const LabProcess& process : orphans) {
    send(process.process, SIGTERM);
    send(process.process, SIGCONT);
  }
  if (!orphans.empty() && !wait_gone(lab, filter, kServiceWithin)) kill_all(lab, filter, result);
}

bool has_customers(const fs::path& lab, const std::string& node) {
  const auto customers = [&](const LabProcess& p) {
    return p.node == node && p.service.starts_with("customers");
  };
  return !matching(lab, customers).empty();
}

// Customers' nodes, the controller, then the rest backwards.
std::vector<std::string> stop_order(const fs::path& lab, const LabRecord& record) {
  std::vector<std::string> first;
  std::vector<std::string> rest;
  for (auto node = record.nodes.rbegin(); node != record.nodes.rend(); ++node) {
    (has_customers(lab, node->name) ? first : rest).push_back(node->name);
  }
  first.push_back(kController);
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

std::set<std::string> addresses(const LabRecord& record) {
  std::set<std::string> all;
  for (const LabRecordNode& node : record.nodes) all.insert(node.address);
  const std::string& url = record.controller_url;
  if (const auto slashes = url.find("://"); slashes != std::string::npos) {
    const std::string host = url.substr(slashes + 3);
    all.insert(host.substr(0, host.find(':')));
  }
  return all;
}

}  // namespace

LabDownResult take_lab_down(const fs::path& lab, const LabRecord& record,
                            const std::function<void(const std::string&)>& say) {
  LabDownResult result;
  const std::vector<LabProcess> before = find_lab_processes(lab);
  result.stopped = before.size();
  for (const std::string& node :
       before.empty() ? std::vector<std::string>() : stop_order(lab, record)) {
    const bool there = std::any_of(before.begin(), before.end(),
                                   [&](const LabProcess& p) { return p.node == node; });
    if (!there) continue;
    say(node);
    stop_program(lab, node, node == kController ? kControllerWithin : kAgentWithin, result);
    stop_orphans(lab, node, result);
  }
  // Of nodes that the record does not know, for example of an older lab file.
  const Filter any = [](const LabProcess&) { return true; };
  if (!matching(lab, any).empty()) kill_all(lab, any, result);
  for (const LabProcess& process : matching(lab, any))
    result.left_running.push_back(label(process));
  result.left_listening = listeners_at(addresses(record));
  return result;
}

}  // namespace panshi::cli
