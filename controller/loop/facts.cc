// SPDX-License-Identifier: Apache-2.0
#include "controller/loop/facts.h"

#include <algorithm>
#include <set>

#include "controller/events/event_data.h"
#include "controller/loop/outcomes.h"
#include "controller/loop/ownership.h"
#include "controller/rules/rules.h"
#include "controller/world/faults.h"
#include "core/base/text.h"
#include "core/model/epoch.h"

namespace panshi::controller {
namespace {

bool starts_with_any(const std::string& text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](std::string_view start) { return text.starts_with(start); });
}

// What people are shown of a service follows its events; the status is fetched only at contact.
void note_service(nlohmann::json& services, const AgentEvents::Item& item, WallTime at) {
  const std::string happened = item.kind.substr(std::string_view("service.").size());
  for (auto& service : services) {
    if (!service.is_object() ||
        service.value("name", nlohmann::json()) != item.data.value("service", nlohmann::json())) {
      continue;
    }
    const bool ended = happened == "exited" || happened == "stopped" || happened == "gave_up";
    service["state"] = happened == "exited" ? "stopped" : happened;
    if (ended) service["pid"] = 0;
    if (!ended && item.data.contains("pid")) service["pid"] = item.data.at("pid");
    service["why"] = item.data.value("why", nlohmann::json(""));
    if (item.data.contains("restarts")) service["restarts"] = item.data.at("restarts");
    service["since_us"] = to_us(at);
  }
}

// Its session tells it once a minute at most.
void tell_flood(Context& context, const std::string& node, const AgentFlood& dropped) {
  const std::string text = cat("said more than its share: ", dropped.events, " event(s) and ",
                               dropped.samples, " sample(s) of it were dropped");
  context.emit("agent.overstepped",
               {{"what", "more than its share"},
                {"events", dropped.events},
                {"samples", dropped.samples},
                {"text", text}},
               {"", "", "", node});
}

void on_agent_event(Context& context, const std::string& node, const AgentEvents::Item& item) {
  if (!item.data.is_object()) return;
  if (!context.memory.authority.owns_event(context.state, node, item.kind, item.data)) {
    return overstep(context, node, cat("event ", item.kind));
  }
  const WallTime at = std::min(item.at, context.now);
  if (item.kind == "action.done") {
    const auto action = item.data.find("action");
    if (action != item.data.end() && action->is_string()) {
      settle_action(context, action->get<std::string>(), item.data, at);
    }
  } else if (item.kind.starts_with("fault.")) {
    // An agent applies an id once: that it is live may be known from an answer that came first, and
    // from how it ended.
    const auto known = context.state.faults.find(text_of(item.data, "fault"));
    const bool heard = known != context.state.faults.end() && known->second.live_at;
    if (item.kind == "fault.live" && heard) return;
    learn_fault(context, node, item.kind, at, item.data);
  } else if (starts_with_any(item.kind, {"service.", "probe.", "link.", "account."})) {
    if (item.kind.starts_with("service.")) note_service(context.memory.services[node], item, at);
    const DrillFacts* drill = context.state.active_drill();
    nlohmann::json data = item.data;
    bound_lengths(data);
    context.emit_at(at, item.kind, std::move(data), {drill ? drill->id : "", "", "", node});
  }
}

}  // namespace

void on_restarted(Context& context, const Restarted& input) {
  const bool after_crash = context.state.running;
  if (context.state.doubt) context.emit("doubt.off", nlohmann::json::object());
  // A number that no agent follows is taken back by a take-over.
  const bool too_far =
      input.epoch_above > 0 && context.state.epoch - input.epoch_above > kEpochJumpMax;
  const std::int64_t last = too_far ? 0 : context.state.epoch;
  nlohmann::json data = {{"epoch", std::max(last, input.epoch_above) + 1},
                         {"version", input.version},
                         {"after_crash", after_crash},
                         {"calendar_ahead_us", input.calendar_ahead.count()}};
  if (too_far) data["epoch_lowered"] = true;
  if (input.ids_above > 0) data["ids_above"] = input.ids_above;
  context.emit("controller.started", std::move(data));
  // Nobody can be asked what became of these; a report is simply written again.
  std::vector<PendingEffect> lost;
  for (const auto& [id, effect] : context.state.effects) {
    if (effect.node.empty()) lost.push_back(effect);
  }
  for (const PendingEffect& effect : lost) {
    settle_effect(context, effect.id, {"unknown", "the controller was restarted", context.now});
    if (effect.kind != EffectKind::kReport) continue;
    Effect again;
    again.kind = effect.kind;
    again.body = effect.body;
    again.timeout = effect.timeout;
    context.intend(std::move(again), {effect.drill, "", "", ""});
  }
}

void on_agent_events(Context& context, const AgentEvents& input) {
  if (!context.catalog.inventory.nodes.contains(input.node)) return;
  if (input.dropped.any()) tell_flood(context, input.node, input.dropped);
  for (const auto& item : input.events) on_agent_event(context, input.node, item);
  take_first_sent(context, input);
  for (AgentEvents::Sample sample : input.samples) {
    sample.at = std::min(sample.at, context.now);
    const bool owned = owns_signal(context, input.node, sample.signal);
    const Samples::From from{input.node, owned};
    context.memory.samples.add(from, sample.signal, sample.at, sample.value);
    // Agents tell what they saw while nobody was there: services that came up, a repair by hand.
    // That is history, not an incident; what is still wrong shows in the next sample. A crash is no
    // excuse: then somebody should have been there.
    if (sample.at >= context.state.watching_since) note_sample(context, from, sample);
  }
}

void on_agent_lost(Context& context, const AgentLost& input) {
  if (!context.catalog.inventory.nodes.contains(input.node)) return;
  context.memory.trouble[input.node] = input.why;
  // It may be starting just now, as we are: its time to be heard of is not over yet.
  if (!context.memory.contacted.contains(input.node)) return;
  const auto known = context.state.agents.find(input.node);
  if (known != context.state.agents.end() && known->second.why == input.why) return;
  context.emit("agent.down", {{"why", input.why}}, {"", "", "", input.node});
}

void on_clock_moved(Context& context, const ClockMoved& input) {
  const WallTime was = context.state.calendar(context.now);
  context.memory.next_due.clear();
  context.emit("clock.moved", {{"calendar_ahead_us", input.calendar_ahead.count()},
                               {"from_us", to_us(was)},
                               {"to_us", to_us(context.now + input.calendar_ahead)}});
}

void on_late_loop(Context& context, const LateLoop& input) {
  context.memory.doubt_until = context.now + context.catalog.settings.doubt_for;
  if (context.state.doubt) return;
  context.emit("doubt.on", {{"late_ms", input.by / std::chrono::milliseconds(1)}});
}

void advance_contacts(Context& context) {
  const auto& nodes = context.catalog.inventory.nodes;
  if (context.memory.contacted.size() >= nodes.size()) return;
  const WallTime deadline = context.state.started_at + context.catalog.settings.contact_within;
  if (context.now < deadline) return context.wake_at(deadline);
  for (const auto& [name, node] : nodes) {
    if (!context.memory.contacted.insert(name).second) continue;
    const auto trouble = context.memory.trouble.find(name);
    context.emit(
        "agent.down",
        {{"why", trouble == context.memory.trouble.end() ? "no word since the controller started"
                                                         : trouble->second}},
        {"", "", "", name});
  }
}

void advance_doubt(Context& context) {
  if (!context.state.doubt || !context.memory.doubt_until) return;
  if (context.now < *context.memory.doubt_until) {
    return context.wake_at(*context.memory.doubt_until);
  }
  context.memory.doubt_until.reset();
  context.emit("doubt.off", nlohmann::json::object());
}

}  // namespace panshi::controller
