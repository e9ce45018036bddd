// SPDX-License-Identifier: Apache-2.0
// Scene: a World with a small shop, a journal and a fleet that does at once what it is told.
//
// A test moves the time, says samples, and can take the fleet's answers into its own hands.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "controller/loop/step.h"

namespace panshi::controller {

// Nodes keys-1 (cardkeys-primary), app-1 (orders; link cardkeys), crowd-1 (program ledger-audit);
// rule slow (latency > 150 clears at <= 100 for 2 s), runbook failover, scenario hang.
Catalog small_catalog();
nlohmann::json hang_document();

class Scene {
 public:
  explicit Scene(Catalog catalog_in = small_catalog());

  Stepped step(const Input& input);
  void agents_up();  // first contact with every node
  void agent_up(const std::string& node, nlohmann::json faults = nlohmann::json::array(),
                nlohmann::json actions = nlohmann::json::array());
  // Every service up, and the given numbers.
  void samples(double success_ratio, double latency_ms);
  // Time passes in steps of 100 ms; with each, the present samples and the ticks that are due.
  void run_for(Duration duration);
  Result<nlohmann::json> command(const std::string& verb, nlohmann::json body);
  void crash() { restart(Duration(0)); }
  // The world is rebuilt from the journal and told Restarted, with a clock so far ahead.
  void restart(Duration calendar_ahead);

  // Events of a kind, oldest first.
  std::vector<Event> events(const std::string& kind) const;
  const Event& only(const std::string& kind) const;  // REQUIRES: there is exactly one
  std::vector<Effect> effects(EffectKind kind) const;

  Catalog catalog;
  Memory::EffectTag effect_tag;  // of the next restart
  World world;
  WallTime now = WallTime(std::chrono::days(20'000));
  std::vector<Event> journal;
  std::vector<Effect> asked;
  // What the fleet does with an effect; the default does it well. Null result: no answer.
  std::function<std::optional<EffectDone>(const Effect&)> fleet;
  double success_ratio = 1;
  double latency_ms = 20;
  bool quiet = false;  // no samples in run_for
  std::string audit_verdict = "valid";
  // What the agents measure of every fault: enough to show an effect of any kind.
  nlohmann::json shown_effect = {{"stopped", 1}, {"gone", 1}, {"down", true}};

 private:
  EffectDone do_well(const Effect& effect) const;
  void carry_out();
  std::deque<Effect> waiting_;
};

}  // namespace panshi::controller
