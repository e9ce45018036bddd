// SPDX-License-Identifier: Apache-2.0
// What goes into the controller's brain and what comes out of it: Input, Event, Effect.
//
// Plain data. controller/loop/step.h says how they are used.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/world/effects.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/model/catalog.h"
#include "core/model/event.h"

namespace panshi::controller {

// What happened outside.
struct Restarted {  // first input after the fold of the journal; also on an empty journal
  std::string version;
  std::int64_t epoch_above = 0;  // --take-over: the highest epoch and number of an id that the
  std::int64_t ids_above = 0;    // agents have seen; 0 otherwise
  Duration calendar_ahead{0};    // as ClockMoved
};
// What the machine's clock shows, less the journal's time: told when it has changed by a second or
// more, because somebody set the clock, it was slewed, or the machine slept.
struct ClockMoved {
  Duration calendar_ahead{0};
};
struct Stopping {};  // last input of a controller that ends in good order
struct Tick {};      // next_deadline() has come
struct AgentFlood {  // of an agent, beyond its share: counted and dropped, never read
  std::int64_t events = 0;
  std::int64_t samples = 0;
  bool any() const { return events > 0 || samples > 0; }
};
struct AgentEvents {  // from one answer of an agent's long poll, oldest first
  struct Item {
    WallTime at;  // on the controller's clock: receive time - the agent's age of it
    std::string kind;
    nlohmann::json data;
  };
  struct Sample {
    WallTime at;
    std::string signal;
    double value;
  };
  std::string node;
  std::vector<Item> events;
  std::vector<Sample> samples;
  AgentFlood dropped = {};  // since it was last told
};
struct AgentState {  // full status of an agent, at first contact and after either side restarted
  std::string node;
  nlohmann::json status;            // GET /v1/status
  std::optional<WallTime> at = {};  // of the answer, from which its ages count; nothing: now
};
struct AgentLost {  // no answer for the agent-lost time
  std::string node;
  std::string why;
};
// The agent's answer to an effect. An `act` whose result.state is `running` is not done by that:
// the agent's event action.done (or its AgentState) is. An effect without any answer becomes
// `unknown` by itself, a little after its timeout: the caller need not watch that.
struct EffectDone {
  std::string effect;
  std::string outcome;  // ok | failed (refused, or never sent) | unknown (no answer)
  std::string detail;   // why, for failed and unknown
  nlohmann::json result = nlohmann::json::object();  // what the agent answered
  WallTime at;
  bool not_now = false;  // refused for what is under way: nothing was done, it may be tried again
};
struct LateLoop {  // the loop woke later than its bound: evidence may be stale (promise 6)
  Duration by;
};
// From people and scripts, over the HTTP API. Answered through `Stepped::answer`.
struct Command {
  std::string
      verb;  // drill.run drill.abort halt resume fault.apply fault.revert link.reroute
             // runbook.run incident.ack incident.close: see docs/reference/controller-api.md
  nlohmann::json body = nlohmann::json::object();
};
// The configuration was read anew, and is without a mistake. Taken in whole or refused: answered
// through `Stepped::answer` with {"changes":[text]}.
struct Reloaded {
  std::shared_ptr<const Catalog> catalog;
};
using Input = std::variant<Restarted, Stopping, Tick, AgentEvents, AgentState, AgentLost,
                           EffectDone, LateLoop, ClockMoved, Command, Reloaded>;

struct Stepped {
  std::vector<Event> events;  // without seq: the journal numbers them
  std::vector<Effect> effects;
  std::optional<Result<nlohmann::json>> answer;  // only for Command and Reloaded
};

}  // namespace panshi::controller
