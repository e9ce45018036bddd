// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/fsck.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>

#include "agents/faults/database/admin.h"
#include "agents/faults/fsck_node.h"
#include "agents/faults/process/target_processes.h"
#include "agents/faults/traces/rows.h"
#include "agents/links/link_table.h"
#include "core/base/text.h"
#include "core/io/process_table.h"

namespace panshi::agent {
namespace {

// By a fault in force, under whatever name it was found.
bool is_paused(const FsckView& view, const std::string& service, const ProcessName& process) {
  return std::any_of(view.live.begin(), view.live.end(), [&](const UndoRecord& each) {
    if (each.facts.kind == "process.pause" &&
        each.facts.target.value("service", std::string()) == service) {
      return true;  // also those that it has started since
    }
    const std::vector<ProcessName> all = processes_from(each.resolved).all;
    return std::find(all.begin(), all.end(), process) != all.end();
  });
}

bool is_unreadable(const FsckView& view, const FaultId& id) {
  return std::any_of(view.unreadable.begin(), view.unreadable.end(), [&](const auto& each) {
    return std::filesystem::path(each.first).stem() == id;
  });
}

void find_records(const FsckView& view, std::vector<Leftover>& found) {
  for (const std::string& id : view.on_disk) {
    if (is_live(view, id) || is_unreadable(view, id)) continue;
    found.push_back({.what = cat("undo record of fault ", id),
                     .why = "it is on disk, but this agent does not have the fault in force",
                     .clear_hint = "restart the agent: it reverts what it finds"});
  }
  for (const auto& [file, why] : view.unreadable) {
    found.push_back({.what = cat("undo record ", file),
                     .why = cat("it cannot be read (", why, "), so what it undoes is not known"),
                     .clear_hint = "look at the file, mend by hand what it names, remove it"});
  }
}

void find_not_reverted(const FsckView& view, std::vector<Leftover>& found) {
  for (const UndoRecord& record : view.live) {
    const auto error = view.not_reverted.find(record.facts.id);
    if (error == view.not_reverted.end()) continue;
    found.push_back({.what = cat("fault ", record.facts.id, " (", record.facts.kind, ")"),
                     .why = cat("it is not reverted yet: ", error->second),
                     .clear_hint = "remove the cause; the agent does the rest"});
    if (!record.resolved.is_object()) continue;
    for (const auto& account : record.resolved.value("accounts", nlohmann::json::array())) {
      if (!account.is_object()) continue;
      const std::string name = cat(sql_text(account.value("user", std::string())), "@",
                                   sql_text(account.value("host", std::string())));
      found.push_back({.what = cat("locked account ", name),
                       .why = cat("fault ", record.facts.id, " locked it"),
                       .clear_hint = cat("ALTER USER ", name, " ACCOUNT UNLOCK;")});
    }
  }
}

// Returns the pids it has dealt with.
std::set<pid_t> find_stopped_services(const FsckView& view, Host& host,
                                      std::vector<Leftover>& found) {
  std::set<pid_t> seen;
  for (const std::string& service : host.services()) {
    const auto leader = host.process_of(service);
    if (!leader) continue;
    for (const ProcessName& each : host.group_of(*leader)) {
      seen.insert(each.pid);
      if (host.process_state(each) != 'T' || is_paused(view, service, each)) continue;
      found.push_back({.what = cat("stopped process ", each.pid, " of service ", service),
                       .why =
                           "no fault in force has stopped it: somebody else sent SIGSTOP, or the "
                           "undo record of a fault is lost",
                       .clear_hint = cat("kill -CONT ", each.pid),
                       .clear = [&host, each] { return host.signal_one(each, SIGCONT); }});
    }
  }
  return seen;
}

// By an agent of this state folder, though maybe of a run whose records are lost. Anybody may write
// that into a process of theirs: good enough to be looked at, not to be acted on.
bool says_started_here(pid_t pid, const std::filesystem::path& state) {
  return started_with(pid, "PANSHI_STATE") == state.string();
}

// Those of another node's agent on this machine are its business.
void find_stopped_others(const std::set<pid_t>& seen, Host& host, std::vector<Leftover>& found) {
  const pid_t self = ::getpid();
  const std::filesystem::path state = host.machine().scope().state;
  for (const ProcessEntry& each : list_processes()) {
    const pid_t pid = each.process.pid;
    if (each.state != 'T' || seen.contains(pid)) continue;
    if (each.parent != self && !says_started_here(pid, state)) continue;
    found.push_back(
        {.what = cat("stopped process ", pid, " (", each.name, ")"),
         .ours = false,
         .why = "this node's agent started it, but it is not a service of this node now",
         .clear_hint = cat("kill -CONT ", pid)});
  }
}

void find_toxics(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  if (host.links() == nullptr) return;
  for (const LinkState& link : host.links()->links()) {
    for (const auto& toxic : link.toxics) {
      const std::string& id = toxic.first;
      const bool of_others = id.find(':') != std::string::npos;  // link_table.h
      if (of_others || is_live(view, id)) continue;
      found.push_back({.what = cat("toxic ", id, " on link ", link.name),
                       .why = "no fault of that id is in force",
                       .clear_hint = "restart the agent: links start without toxics",
                       .clear = [&host, link = link.name, id] {
                         return host.links()->remove_toxic(link, id);
                       }});
    }
  }
}

}  // namespace

std::vector<Leftover> find_leftovers(const FsckView& view, Host& host) {
  std::vector<Leftover> found;
  find_records(view, found);
  find_not_reverted(view, found);
  find_stopped_others(find_stopped_services(view, host, found), host, found);
  find_toxics(view, host, found);
  find_node_leftovers(view, host, found);
  find_server_leftovers(view, host, found);
  return found;
}

}  // namespace panshi::agent
