// SPDX-License-Identifier: Apache-2.0
// Context: what a machine has in hand during one step: the state, the memory, the time, the output.
//
// Machines (drills, rules, …) look at the state and do what is due: they may be called at any time
// and as often as one likes. `emit` folds at once, so each sees what the one before it did.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/world/authority.h"
#include "controller/world/protocol.h"
#include "controller/world/samples.h"
#include "controller/world/state.h"
#include "core/model/catalog.h"

namespace panshi::controller {

struct RuleWatch {
  Hold fires;
  Hold clears;
  bool beyond = false;  // a symptom was stated and is not over
  std::optional<WallTime> fine_since;
};

struct DrillWatch {
  std::vector<Hold> steady;
  std::vector<Hold> abort_if;
  std::vector<Hold> expect;
  std::map<std::size_t, double> expect_seen;  // worst good value of a `during: fault`
  std::set<std::size_t> expect_gaps;          // `during: fault` that was without data for a while
};

struct AgentParts {  // names; nothing where the agent did not say
  std::optional<std::set<std::string>> services;
  std::optional<std::set<std::string>> links;
  AgentOffer offer;
};

struct SignalClaims {  // names that a node took, of late
  WallTime since{};
  std::size_t count = 0;
};

struct LeftoverWatch {           // of one node
  std::deque<WallTime> told;     // when it told of one that we had not known, of late
  std::optional<WallTime> full;  // at which moment it had as many as we take in
};

struct HeldDay {  // a drill day whose time has come and that something is in the way of
  WallTime due;
  std::string why;
};

// Not in the journal: rebuilt after a restart from what the agents say.
struct Memory {
  // What is behind the number in the id of an effect, so that nobody guesses it who was not sent
  // it.
  using EffectTag = std::function<std::string(std::int64_t number)>;

  explicit Memory(const Catalog& catalog, EffectTag tag = {});
  // Other rules and drill days from here on. What changed or is gone is watched from the start.
  void take_in(const Catalog& before, const Catalog& after);

  EffectTag effect_tag;  // none: the number alone
  Samples samples;
  Authority authority;
  std::map<std::string, std::vector<const Rule*>> rules_by_signal;
  std::map<std::string, RuleWatch> rules;
  std::map<std::string, DrillWatch> drills;
  std::map<std::string, Hold> waits;               // run -> its wait_for step
  std::map<std::string, nlohmann::json> services;  // node -> services as its agent last said
  std::set<std::string> contacted;                 // agents heard of since our start
  std::map<std::string, std::string> trouble;      // node -> why its agent is no use, as last said
  std::map<std::string, AgentParts> parts;         // node -> what its agent said that it has
  std::map<std::string, std::set<std::string>> overstepped;  // node -> what it spoke of in vain
  std::map<std::string, LeftoverWatch> leftovers;            // by node
  std::map<std::string, SignalClaims> claims;                // by node
  std::map<std::string, nlohmann::json> lacks;  // node -> what the inventory has and it has not
  std::map<std::string, WallTime> next_due;     // drill day -> not before, by the calendar
  std::map<std::string, HeldDay> held;          // drill day -> what it waits for
  std::optional<WallTime> doubt_until;
};

struct Owner {  // ids of what an event belongs to
  std::string drill;
  std::string incident;
  std::string run;
  std::string node;
};

class Context {
 public:
  Context(const Catalog& catalog_in, State& state_in, Memory& memory_in, WallTime now_in,
          Stepped& out_in)
      : catalog(catalog_in), state(state_in), memory(memory_in), now(now_in), out(out_in) {}

  void emit(std::string kind, nlohmann::json data, Owner owner = {});
  void emit_at(WallTime at, std::string kind, nlohmann::json data, Owner owner = {});

  // Journals the intent and asks for the effect; gives it an id. Returns the id.
  std::string next_effect() const;  // id that intend() will give
  // `more` is added to the data of effect.intended.
  std::string intend(Effect effect, Owner owner = {}, const nlohmann::json& more = {});

  void wake_at(WallTime at) {
    if (!wake || at < *wake) wake = at;
  }
  bool first_contact_over() const;  // every agent was heard of, or had the time to be
  // That there is no data of a comparison means something: the signal was fed since our start and
  // is no more, or had the time to be; and our own lateness is not what is missing. When false, it
  // will be true at the time that this wakes at, unless data comes.
  bool silence_counts(const Comparison& comparison);

  const Catalog& catalog;
  State& state;
  Memory& memory;
  const WallTime now;
  Stepped& out;
  std::optional<WallTime> wake;
};

// "2026-11-18T07:00:00Z"
std::string time_text(WallTime time);

}  // namespace panshi::controller
