// SPDX-License-Identifier: Apache-2.0
#include "controller/loop/commands.h"

#include <algorithm>
#include <array>

#include "controller/drills/drills.h"
#include "controller/incidents/incidents.h"
#include "controller/loop/link_commands.h"
#include "controller/runbooks/runbooks.h"
#include "controller/world/blast_radius.h"
#include "controller/world/faults.h"
#include "core/base/random.h"
#include "core/base/text.h"
#include "core/model/check.h"

namespace panshi::controller {
namespace {

using Json = nlohmann::json;

template <class T>
std::vector<std::string> keys(const std::map<std::string, T>& map) {
  std::vector<std::string> names;
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
}

tl::unexpected<Error> not_found(std::string_view what, const std::string& name,
                                const std::vector<std::string>& known) {
  return fail(ErrorCode::kNotFound, unknown_name(what, name, known));
}

// With what agents have said of themselves: a signal that nobody feeds and a fault that its agent
// has nothing for are refused.
Catalog informed_catalog(const Context& context) {
  Catalog catalog = context.catalog;
  AgentOffers said;
  for (const auto& [node, parts] : context.memory.parts) {
    said[node] = parts.offer;
  }
  catalog.inventory.learn(said);
  return catalog;
}

Result<Scenario> scenario_in(Context& context, const std::string& name, const Json* document) {
  if (document) return scenario_from_json(*document, informed_catalog(context));
  const auto found = context.catalog.scenarios.find(name);
  if (found == context.catalog.scenarios.end()) {
    return not_found("scenario", name, keys(context.catalog.scenarios));
  }
  return found->second;
}

Result<Json> drill_run(Context& context, const Json& body) {
  Problems problems;
  Fields in(body, "", problems);
  // Never the clock: from the drill's number, so that a replay of the journal is the same.
  std::int64_t seed = static_cast<std::int64_t>(
      Random(static_cast<std::uint64_t>(context.state.counters.drill + 1)).below(1'000'000'000));
  std::string name;
  const Json* document = in.may_value("document");
  if (document) {
    if (in.has("scenario")) in.problem("scenario", "and `document`: only one of them");
    in.may("scenario", name);
  } else {
    in.need("scenario", name);
  }
  in.may("seed", seed, {0, INT64_MAX});
  in.done();
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  DrillOrder order;
  ASSIGN_OR_RETURN(order.scenario, scenario_in(context, name, document));
  order.seed = static_cast<std::uint64_t>(seed);
  if (const std::string why = why_not_drill(context, order); !why.empty()) {
    return fail(ErrorCode::kRefused, cat("the drill is refused: ", why));
  }
  const std::string id = start_drill(context, order);
  return Json{{"drill", id}, {"seed", seed}};
}

Result<Json> drill_abort(Context& context, const Json& body) {
  Problems problems;
  Fields in(body, "", problems);
  std::string id;
  std::string reason = "asked";
  in.need("drill", id);
  in.may("reason", reason);
  in.done();
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  const auto drill = context.state.drills.find(id);
  if (drill == context.state.drills.end()) {
    return not_found("drill", id, keys(context.state.drills));
  }
  if (!drill->second.active()) return fail(ErrorCode::kOver, cat("drill ", id, " is over"));
  if (!drill->second.aborting) abort_drill(context, id, cat("aborted: ", reason), false);
  return Json{{"drill", id}};
}

Result<Json> halt(Context& context, const Json& body) {
  Problems problems;
  Fields in(body, "", problems);
  std::string reason = "asked";
  in.may("reason", reason);
  in.done();
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  context.emit("halt.on", {{"reason", reason}});
  const DrillFacts* drill = context.state.active_drill();
  if (drill && !drill->aborting) abort_drill(context, drill->id, cat("halted: ", reason), false);
  advance_halt(context);
  return Json{{"halted", true}};
}

Result<Json> resume(Context& context, const Json& body) {
  Problems problems;
  Fields in(body, "", problems);
  in.done();
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  if (context.state.halted) context.emit("halt.off", Json::object());
  return Json{{"halted", false}};
}

std::string why_not_fault(const Context& context, const ScenarioFault& fault,
                          std::int64_t targets_max) {
  const State& state = context.state;
  if (state.halted) return cat("halted: ", state.halt_reason);
  if (state.doubt) return "decisions are off: the controller was late and doubts its evidence";
  if (const DrillFacts* drill = state.active_drill()) {
    return cat("drill ", drill->id, " is under way");
  }
  const std::string node = node_of(context.catalog.inventory, fault.target);
  if (node.empty()) return cat("nothing is known of ", fault.target.text());
  if (!state.agent_up(node)) return cat("agent ", node, " is down");
  return why_too_wide(context, fault.target, targets_max);
}

// As `limits.targets_max` of a scenario; everything in force counts, whoever asked for it.
std::int64_t take_targets_max(Json& document, Problems& problems) {
  std::int64_t targets_max = 1;
  if (!document.is_object() || !document.contains("targets_max")) return targets_max;
  const Json limits = {{"targets_max", document["targets_max"]}};
  document.erase("targets_max");
  Fields in(limits, "", problems);
  in.may("targets_max", targets_max, {1, 100});
  return targets_max;
}

Result<Json> fault_apply(Context& context, const Json& body) {
  const std::string id = cat("f-", context.state.counters.fault + 1);
  Json document = body;
  Problems problems;
  const std::int64_t targets_max = take_targets_max(document, problems);
  if (document.is_object()) document["id"] = id;
  const ScenarioFault fault = read_scenario_fault(document, "", problems);
  check_scenario_fault(fault, document, {&context.catalog.inventory, nullptr, nullptr, nullptr}, "",
                       problems);
  if (fault.target.services.size() > 1) problems.add("target", "must be a single service");
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  if (const std::string why = why_not_fault(context, fault, targets_max); !why.empty()) {
    return fail(ErrorCode::kRefused, cat("the fault is refused: ", why));
  }
  inject(context, {id, fault.kind, fault.target, fault.params, fault.term, "", ""});
  return Json{{"fault", id}};
}

Result<Json> fault_revert(Context& context, const Json& body) {
  Problems problems;
  Fields in(body, "", problems);
  std::string id;
  in.need("fault", id);
  in.done();
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  const auto fault = context.state.faults.find(id);
  if (fault == context.state.faults.end()) {
    return not_found("fault", id, keys(context.state.faults));
  }
  const bool drill_of_it = !fault->second.ended() && !fault->second.drill.empty();
  const auto drill = context.state.drills.find(fault->second.drill);
  if (drill_of_it && drill != context.state.drills.end() && drill->second.active() &&
      !drill->second.aborting) {
    abort_drill(context, drill->first, cat("fault ", id, " was reverted by hand"), false);
  }
  const FaultFacts facts = context.state.faults.at(id);
  if (!facts.ended() && !context.catalog.inventory.nodes.contains(facts.node)) {
    return fail(
        ErrorCode::kRefused,
        cat("node ", facts.node, " of fault ", id,
            " is not in the inventory: put it back and `panshi reload`, or, if that host is "
            "gone for good, `panshi fault close ",
            id, " --reason TEXT`"));
  }
  if (!facts.ended() && !facts.reverting) revert(context, facts);
  return Json{{"fault", id}, {"over", facts.ended()}};
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// {"<what>": id, "by"?, "reason", "force"?}: a person says that something is over which nothing
// else ends.
struct Closing {
  std::string id;
  std::string why;     // "closed by night-shift: gone for good"
  bool force = false;  // whatever its agent says
};
Result<Closing> read_closing(const Json& body, const char* what, bool may_force = false) {
  Problems problems;
  Fields in(body, "", problems);
  Closing closing;
  std::string by = "somebody";
  std::string reason;
  in.need(what, closing.id);
  in.may("by", by);
  in.need("reason", reason);
  if (may_force) in.may("force", closing.force);
  in.done();
  if (is_blank(reason)) problems.add("reason", "must say why: it goes into the journal");
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  closing.why = cat("closed by ", by, ": ", reason);
  return closing;
}

// Why its agent will say nothing more of it, for all that is known; empty when it may.
std::string why_unheard(const Context& context, const FaultFacts& fault) {
  if (fault.lost) return "its agent lost it";
  if (!context.catalog.inventory.nodes.contains(fault.node)) {
    return cat("node ", fault.node, " is not in the inventory");
  }
  return context.state.agent_up(fault.node) ? "" : cat("the agent of ", fault.node, " is down");
}

// Why it may not be closed, so that it is only by the word of a person against that of its agent;
// empty when it may. Its lease is renewed by nobody from then on.
std::string why_not_closed(const Context& context, const FaultFacts& fault, bool force) {
  if (why_unheard(context, fault).empty() && !force) {
    return cat("fault ", fault.id, " is known to its agent: `panshi fault revert ", fault.id,
               "`; if that agent is not to be believed, and you have looked: `panshi fault close ",
               fault.id, " --force --reason WHY`");
  }
  const auto drill = context.state.drills.find(fault.drill);
  const bool is_part = drill != context.state.drills.end() && drill->second.active() &&
                       is_wanted(context.state, fault, context.now);
  if (!is_part) return {};
  return cat("fault ", fault.id, " is part of drill ", fault.drill,
             ", which is under way: `panshi drill abort ", fault.drill, "`");
}

// Not by learn_fault(), for it is not the agent that says so.
void close_fault(Context& context, const FaultFacts& fault, const std::string& why, bool force) {
  Json data = {{"fault", fault.id}, {"reason", why}};
  if (force) data["forced"] = true;
  context.emit("fault.reverted", std::move(data), {fault.drill, "", "", fault.node});
}

// For one of which its agent says nothing more and that no way of clearing has ended: a person has
// looked, or the host is gone for good. With `force` of any other, too, and then for good: what its
// agent goes on saying of it is not heard.
Result<Json> fault_close(Context& context, const Json& body) {
  ASSIGN_OR_RETURN(const Closing closing, read_closing(body, "fault", true));
  const std::string& id = closing.id;
  const auto fault = context.state.faults.find(id);
  if (fault == context.state.faults.end()) {
    return not_found("fault", id, keys(context.state.faults));
  }
  if (fault->second.ended()) return fail(ErrorCode::kOver, cat("fault ", id, " is over already"));
  const FaultFacts facts = fault->second;
  if (const std::string why = why_not_closed(context, facts, closing.force); !why.empty()) {
    return fail(ErrorCode::kRefused, why);
  }
  close_fault(context, facts, closing.why, closing.force);
  return Json{{"fault", id}};
}

// Those of a node that nobody here ordered, for good, and those that could be closed one by one;
// with `force` all of it that are not over.
Result<Json> fault_close_all(Context& context, const Json& body) {
  ASSIGN_OR_RETURN(const Closing closing, read_closing(body, "node", true));
  std::vector<FaultFacts> open;
  for (const auto& [id, fault] : context.state.faults) {
    if (fault.node == closing.id && !fault.ended()) open.push_back(fault);
  }
  if (open.empty() && !context.catalog.inventory.nodes.contains(closing.id)) {
    return not_found("node", closing.id, keys(context.catalog.inventory.nodes));
  }
  Json answer = {{"node", closing.id}, {"closed", Json::array()}, {"left", Json::array()}};
  for (const FaultFacts& fault : open) {
    const bool force = closing.force || fault.leftover;
    if (const std::string why = why_not_closed(context, fault, force); !why.empty()) {
      answer["left"].push_back({{"fault", fault.id}, {"why", why}});
      continue;
    }
    close_fault(context, fault, closing.why, force);
    answer["closed"].push_back(fault.id);
  }
  return answer;
}

Result<Json> link_reroute(Context& context, const Json& body) {
  Json document = {{"name", "by hand"}, {"reroute", body}};
  Problems problems;
  const Runbook by_hand = read_runbook(
      {{"name", "by-hand"}, {"title", "by hand"}, {"steps", Json::array({document})}}, problems);
  check_runbook(by_hand, {&context.catalog.inventory, nullptr, nullptr, nullptr}, problems);
  Problems of_body;  // the caller knows of no steps
  for (const auto& [path, message] : problems.list()) {
    constexpr std::string_view kInside = "steps[0].reroute.";
    of_body.add(path.starts_with(kInside) ? path.substr(kInside.size()) : path, message);
  }
  if (!of_body.empty()) return tl::unexpected<Error>(of_body.error());
  const Step& step = by_hand.steps.front();
  const std::string target = step.action->target();
  for (const auto& [id, run] : context.state.runs) {
    const auto& targets = run.targets;
    if (run.active() && std::find(targets.begin(), targets.end(), target) != targets.end()) {
      return fail(ErrorCode::kConflict, cat("run ", id, " acts on ", target));
    }
  }
  const StepOrder order = step.action->order(context.catalog.inventory);
  return order_action(context, order.node, step.timeout,
                      {{"kind", order.kind}, {"params", order.params}});
}

Result<Json> runbook_run(Context& context, const Json& body) {
  Problems problems;
  Fields in(body, "", problems);
  std::string name;
  RunOrder order;
  in.need("runbook", name);
  in.may("dry_run", order.dry_run);
  in.done();
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  const auto runbook = context.catalog.runbooks.find(name);
  if (runbook == context.catalog.runbooks.end()) {
    return not_found("runbook", name, keys(context.catalog.runbooks));
  }
  const std::string why = order.dry_run ? "" : why_not_run(context, runbook->second, order);
  if (!why.empty()) {
    context.emit("run.refused", {{"runbook", name}, {"breach", ""}, {"why", why}});
    return fail(ErrorCode::kRefused, cat("the run is refused: ", why));
  }
  return Json{{"run", start_run(context, runbook->second, order)}};
}

Result<Json> incident_ack(Context& context, const Json& body) {
  Problems problems;
  Fields in(body, "", problems);
  std::string id;
  std::string by = "somebody";
  in.need("incident", id);
  in.may("by", by);
  in.done();
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  const auto incident = context.state.incidents.find(id);
  if (incident == context.state.incidents.end()) {
    return not_found("incident", id, keys(context.state.incidents));
  }
  const Owner owner{incident->second.drill, id, "", ""};
  if (incident->second.acked_by.empty()) context.emit("incident.acked", {{"by", by}}, owner);
  return Json{{"incident", id}};
}

// For one that nothing else would close. What still fires opens another at its next sample.
Result<Json> incident_close(Context& context, const Json& body) {
  ASSIGN_OR_RETURN(const Closing closing, read_closing(body, "incident"));
  const std::string& id = closing.id;
  const auto incident = context.state.incidents.find(id);
  if (incident == context.state.incidents.end()) {
    return not_found("incident", id, keys(context.state.incidents));
  }
  if (incident->second.closed_at) {
    return fail(ErrorCode::kOver, cat("incident ", id, " is closed already"));
  }
  close_by_hand(context, id, closing.why);
  return Json{{"incident", id}};
}

struct Verb {
  const char* name;
  Result<Json> (*run)(Context& context, const Json& body);
};
constexpr std::array<Verb, 15> kVerbs = {{{"drill.run", &drill_run},
                                          {"drill.abort", &drill_abort},
                                          {"halt", &halt},
                                          {"resume", &resume},
                                          {"fault.apply", &fault_apply},
                                          {"fault.revert", &fault_revert},
                                          {"fault.close", &fault_close},
                                          {"fault.close-all", &fault_close_all},
                                          {"link.reroute", &link_reroute},
                                          {"link.drain", &link_drain},
                                          {"link.undrain", &link_undrain},
                                          {"link.weights", &link_weights},
                                          {"runbook.run", &runbook_run},
                                          {"incident.ack", &incident_ack},
                                          {"incident.close", &incident_close}}};

}  // namespace

Result<Json> on_command(Context& context, const Command& command) {
  std::vector<std::string> names;
  for (const Verb& verb : kVerbs) {
    if (command.verb == verb.name) return verb.run(context, command.body);
    names.emplace_back(verb.name);
  }
  return not_found("command", command.verb, names);
}

}  // namespace panshi::controller
