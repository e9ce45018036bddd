// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/fsck_node.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "agents/faults/file/kept_file.h"
#include "agents/faults/node_target.h"
#include "agents/faults/traces/rows.h"
#include "agents/host/foreign_rules.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNotInForce = "no fault of that id is in force";
// Disciplines that tools for breaking networks set, and hardly anybody else does.
constexpr std::array kBreakers = {"netem", "tbf"};
constexpr std::array kStressors = {"stress", "stress-ng"};
constexpr std::size_t kEnvironmentMax = 1 << 20;

bool shapes(const FsckView& view, const std::string& interface) {
  return std::any_of(view.live.begin(), view.live.end(), [&](const UndoRecord& each) {
    return each.facts.kind.starts_with("network.") &&
           each.facts.params.value("interface", std::string()) == interface;
  });
}

void find_helpers(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for (const std::string& id : host.machine().helpers()) {
    if (is_live(view, id)) continue;
    found.push_back({.what = cat("helper process of fault ", id),
                     .why = kNotInForce,
                     .clear_hint = "kill the processes named panshi-helper that carry its id",
                     .clear = [&host, id] { return host.machine().end_helpers(id); }});
  }
}

void find_rules(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for (const std::string& id : host.network().rules()) {
    if (is_live(view, id)) continue;
    found.push_back({.what = cat("packet rules of fault ", id),
                     .why = cat(kNotInForce, "; the kernel drops them by itself"),
                     .clear_hint = cat("nft delete table inet ", host.network().table_of(id)),
                     .clear = [&host, id] { return host.network().end_rules(id); }});
  }
}

void find_foreign_rules(Host& host, std::vector<Leftover>& found) {
  for (ForeignRule& rule : host.network().foreign_rules()) {
    found.push_back({.what = std::move(rule.rule),
                     .ours = false,
                     .why = std::move(rule.why),
                     .clear_hint = std::move(rule.clear_hint)});
  }
}

void find_disciplines(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/sys/class/net", error)) {
    const std::string interface = entry.path().filename().string();
    const auto discipline = host.network().discipline(interface);
    if (!discipline || discipline->empty()) continue;
    const bool ours = host.network().is_ours(interface);
    if (ours && shapes(view, interface)) continue;
    if (!ours && std::find(kBreakers.begin(), kBreakers.end(), *discipline) == kBreakers.end()) {
      continue;
    }
    found.push_back(
        {.what = cat("discipline ", *discipline, " on interface ", interface),
         .ours = ours,
         .why = ours ? "no fault that shapes this interface is in force"
                     : "somebody else has set it; it slows or loses packets",
         .clear_hint = cat("tc qdisc del dev ", interface, " root"),
         .clear = [&host, interface] { return host.network().clear_discipline(interface); }});
  }
}

void find_kept(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for (const std::string& id : KeptFile::faults(kept_folder(host))) {
    if (is_live(view, id)) continue;
    const std::string why = KeptFile(kept_folder(host), id).why_left();
    found.push_back(
        {.what = cat("kept of fault ", id, ": ", (kept_folder(host) / id).string()),
         .why = why.empty() ? cat("fault ", id, " is not reverted, and its undo record is gone")
                            : cat("fault ", id, ": ", why),
         .clear_hint =
             "restart the agent, which reverts by `record` in it; or put back by hand what "
             "`record` and `original` say, then remove the folder"});
  }
}

void find_stressors(std::vector<Leftover>& found) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const auto name = read_file(entry.path() / "comm", 64);
    if (!name) continue;
    const std::string program = name->substr(0, name->find('\n'));
    if (std::find(kStressors.begin(), kStressors.end(), program) == kStressors.end()) continue;
    found.push_back({.what = cat("process ", entry.path().filename().string(), " (", program, ")"),
                     .ours = false,
                     .why = "another tool loads this node",
                     .clear_hint = cat("kill ", entry.path().filename().string())});
  }
}

bool is_skewed(const FsckView& view, const std::string& service) {
  return std::any_of(view.live.begin(), view.live.end(), [&](const UndoRecord& each) {
    return each.facts.kind == "time.skew" &&
           each.facts.target.value("service", std::string()) == service;
  });
}

void find_preloads(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for (const std::string& service : host.services()) {
    const auto leader = host.process_of(service);
    if (!leader || is_skewed(view, service)) continue;
    const auto text = read_file(cat("/proc/", leader->pid, "/environ"), kEnvironmentMax);
    if (!text) continue;
    for (const std::string& each : split(*text, '\0')) {
      if (!each.starts_with("LD_PRELOAD=") || each.find("faketime") == std::string::npos) continue;
      found.push_back({.what = cat("service ", service, " runs with ", each),
                       .ours = false,
                       .why = "its clock may be wrong",
                       .clear_hint = "restart the service without it"});
    }
  }
}

void find_fake_clock_files(Host& host, std::vector<Leftover>& found) {
  for (const fs::path& file : host.machine().fake_clock_files()) {
    found.push_back({.what = cat("file ", file.string()),
                     .ours = false,
                     .why = "libfaketime left it: its process has ended and nobody has it mapped",
                     .clear_hint = cat("rm ", file.string())});
  }
}

}  // namespace

void find_node_leftovers(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  find_helpers(view, host, found);
  find_rules(view, host, found);
  find_foreign_rules(host, found);
  find_disciplines(view, host, found);
  find_kept(view, host, found);
  find_stressors(found);
  find_preloads(view, host, found);
  find_fake_clock_files(host, found);
}

}  // namespace panshi::agent
