// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/board.h"

namespace panshi::agent {
namespace {

double milliseconds(Duration duration) { return static_cast<double>(duration.count()) / 1'000; }

}  // namespace

ProbeBoard::ProbeBoard(const std::vector<ProbeConfig>& probes) {
  for (const ProbeConfig& probe : probes) {
    // The kernel's word about a process needs no second opinion.
    const bool certain = probe.target.kind == "process";
    const ProbeJudge judge = certain ? ProbeJudge(1, 1) : ProbeJudge(probe.rise, probe.fall);
    entries_.emplace(probe.name, Entry{&probe, judge, "", Duration(0)});
  }
}

void ProbeBoard::take(const ProbeRun& run, ProbeNews& news) {
  const auto found = entries_.find(run.probe);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.reason = run.reason;
  entry.latency = run.latency;
  const bool is_new = entry.judge.take(run.good);
  sample_up(entry, run.at, news);
  news.samples.push_back({run.probe + ".latency_ms", milliseconds(run.latency), run.at});
  for (const auto& [signal, value] : run.values) news.samples.push_back({signal, value, run.at});
  if (is_new) changed(entry, news);
}

void ProbeBoard::process_seen(const std::string& service, bool lives, MonoTime now,
                              ProbeNews& news) {
  for (auto& [name, entry] : entries_) {
    if (entry.config->target.kind != "process" || entry.config->service != service) continue;
    if (!entry.judge.take(lives)) continue;
    entry.reason = lives ? "" : "the process does not run";
    sample_up(entry, now, news);
    changed(entry, news);
  }
}

void ProbeBoard::repeat(MonoTime now, ProbeNews& news) const {
  for (const auto& [name, entry] : entries_) {
    if (entry.config->target.kind == "process") sample_up(entry, now, news);
  }
}

nlohmann::json ProbeBoard::view() const {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [name, entry] : entries_) {
    list.push_back({{"name", name},
                    {"service", entry.config->service},
                    {"up", entry.judge.up().value_or(false)},
                    {"reason", entry.judge.up() ? entry.reason : "not known yet"},
                    {"latency_ms", milliseconds(entry.latency)}});
  }
  return list;
}

void ProbeBoard::changed(Entry& entry, ProbeNews& news) {
  news.events.emplace_back("probe.changed", nlohmann::json{{"probe", entry.config->name},
                                                           {"service", entry.config->service},
                                                           {"up", entry.judge.up().value()},
                                                           {"reason", entry.reason}});
}

void ProbeBoard::sample_up(const Entry& entry, MonoTime at, ProbeNews& news) {
  if (!entry.judge.up()) return;
  news.samples.push_back({entry.config->name + ".up", *entry.judge.up() ? 1.0 : 0.0, at});
}

}  // namespace panshi::agent
