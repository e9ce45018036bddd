// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>
#include <filesystem>

#include "agents/faults/file/kept_file.h"
#include "agents/faults/node_target.h"
#include "agents/faults/process/restarted.h"
#include "agents/faults/process/target_processes.h"
#include "agents/faults/traces/rows.h"
#include "agents/links/link_table.h"
#include "core/base/text.h"
#include "core/io/process_table.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;

bool is_gone(const Error& error) {
  return error.code == ErrorCode::kNotFound || error.code == ErrorCode::kUnavailable;
}

std::string what(const FaultRequest& request) {
  return cat(request.target_key, " ", request.target);
}

}  // namespace

// Of an agent whose records are lost, too: another process runs in its place since.
std::vector<std::string> stopped_before(const FaultRequest& request,
                                        const std::vector<ProcessName>& known, Host& host) {
  std::vector<std::string> pids;
  const std::string state = host.machine().scope().state.string();
  for (const ProcessEntry& each : list_processes()) {
    const pid_t pid = each.process.pid;
    if (each.state != 'T' || std::find(known.begin(), known.end(), each.process) != known.end() ||
        started_with(pid, "PANSHI_STATE") != state ||
        started_with(pid, "PANSHI_SERVICE") != request.target) {
      continue;
    }
    pids.push_back(cat(pid));
  }
  return pids;
}

Status clear_stopped(const FaultRequest& request, Host& host, Done& done) {
  const auto found = find_processes(request, host);
  if (!found && !is_gone(found.error())) return tl::unexpected<Error>(found.error());
  const std::vector<ProcessName> known = found ? present(*found, host) : std::vector<ProcessName>();
  // That they are ours stands in their environment, which anybody may write: not to be signalled.
  const auto others = stopped_before(request, known, host);
  if (!others.empty()) {
    const std::string pids = join(others, " ");
    return fail(ErrorCode::kRefused,
                cat("process ", pids,
                    ", which an agent of this node once "
                    "started as ",
                    what(request), ", stands still: kill -CONT ", pids, ", or end it"));
  }
  for (const ProcessName& each : known) {
    if (host.process_state(each) != 'T') continue;
    auto sent = host.signal_one(each, SIGCONT);
    if (!sent && sent.error().code != ErrorCode::kNotFound) return sent;
    if (sent) done.push_back(cat("process ", each.pid, " of ", what(request), " goes on"));
  }
  if (done.empty()) done.push_back(cat("no process of ", what(request), " stands still"));
  return {};
}

Status clear_ended(const FaultRequest& request, Host& host, Done& done) {
  if (auto running = have_running(request, nlohmann::json::object(), host); !running)
    return running;
  done.push_back(cat(what(request), " is to run"));
  return {};
}

void find_starts(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for (const auto& [service, fault] : host.starts().all()) {
    if (is_live(view, fault)) continue;
    found.push_back({.what = cat("fault ", fault, " changes how service ", service, " is started"),
                     .why = "no fault of that id is in force",
                     .clear_hint = "restart the agent: it starts its services as configured",
                     .clear = [&host, service = service, fault = fault] {
                       return end_changed_start(service, fault, host);
                     }});
  }
}

Status clear_starts(const FaultRequest& request, Host& host, Done& done) {
  if (auto ended = end_changed_start(request.target, request.id, host); !ended) return ended;
  done.push_back(cat(what(request), " starts as it is configured"));
  return {};
}

Status clear_limits(const FaultRequest& request, Host& host, Done& done) {
  const auto leader = host.process_of(request.target);
  if (!leader) {
    done.push_back(cat("the limit went with the process of ", what(request)));
    return {};
  }
  return fail(ErrorCode::kRefused,
              cat("the limit of descriptors of ", what(request), " is not known: restart it"));
}

Status clear_helpers(const FaultRequest& request, Host& host, Done& done) {
  if (auto ended = host.machine().end_helpers(request.id); !ended) return ended;
  done.push_back(cat("helper processes of fault ", request.id, " ended"));
  return {};
}

Status clear_packet_rules(const FaultRequest& request, Host& host, Done& done) {
  if (auto ended = host.network().end_rules(request.id); !ended) return ended;
  done.push_back(cat("packet rules of fault ", request.id, " removed"));
  return {};
}

Status clear_disciplines(const FaultRequest& request, Host& host, Done& done) {
  const std::string& interface = request.text("interface");
  if (!host.network().is_ours(interface)) {
    done.push_back(cat("no discipline of ours is on ", interface));
    return {};
  }
  if (auto cleared = host.network().clear_discipline(interface); !cleared) return cleared;
  done.push_back(cat("discipline of ", interface, " removed"));
  return {};
}

// Which bytes, mode and times the file had went with the record, and with its copy.
Status clear_files(const FaultRequest& request, Host& host, Done&) {
  const std::string& path = request.text("path");
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  const fs::path copy = KeptFile(kept_folder(host), request.id).path();
  if (fs::exists(copy, error)) {
    return fail(ErrorCode::kRefused,
                cat(path, " may be damaged; as it was it is in ", copy.string()));
  }
  return fail(ErrorCode::kRefused,
              cat(path, " may be damaged, in content or permissions: look at it, restore it"));
}

Status clear_links(const FaultRequest& request, Host& host, Done& done) {
  if (host.links() == nullptr) {
    done.push_back("links start without toxics");
    return {};
  }
  auto removed = host.links()->remove_toxic(request.target, request.id);
  if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
  done.push_back(cat("toxic ", request.id, " of link ", request.target, " is gone"));
  return {};
}

}  // namespace panshi::agent
