// SPDX-License-Identifier: Apache-2.0
// panshi fault list | apply | revert | close | fsck | kinds | explain
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <thread>

#include "cli/exit_codes.h"
#include "cli/show.h"
#include "cli/when_ready.h"
#include "core/base/text.h"
#include "core/json/fields.h"
#include "core/model/fault_reference.h"
#include "core/model/target.h"

namespace panshi::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr std::int64_t kRevertedWithinSeconds = 5;

int list(Invocation& invocation) {
  return show_list(invocation, "/api/v1/faults", "faults",
                   {{"fault", "id"},
                    {"kind", "kind"},
                    {"target", "target"},
                    {"state", "state"},
                    {"drill", "drill"},
                    {"reason", "reason"}},
                   "no faults");
}

// "service=orders" pairs; a value that reads as a number or a flag is one, unless it is to be text.
Result<Json> pairs(const std::vector<std::string>& texts, const char* option,
                   const std::function<bool(const std::string&)>& is_text) {
  Json object = Json::object();
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorCode::kInvalid, cat(option, " wants NAME=VALUE, not `", text, "`"));
    }
    const std::string name = text.substr(0, equals);
    if (object.contains(name)) {
      return fail(ErrorCode::kInvalid, cat(option, " ", name, " is there twice"));
    }
    const std::string value = text.substr(equals + 1);
    const Result<Json> parsed = parse_json(value);
    const bool plain = !is_text(name) && parsed && (parsed->is_number() || parsed->is_boolean());
    object[name] = plain ? *parsed : Json(value);
  }
  return object;
}

bool is_text_param(const FaultKindSpec& kind, const std::string& name) {
  return std::any_of(kind.params.begin(), kind.params.end(), [&](const FaultParam& param) {
    return param.name == name && param.type == FaultParam::Type::kText;
  });
}

// The fault as the controller shows it; null while it is not known yet.
Json find_fault(Connection& controller, const std::string& id) {
  const Result<Json> answer = controller.get("/api/v1/faults");
  if (!answer) return {};
  for (const Json& fault : list_of(*answer, "faults")) {
    if (field(fault, "id") == id || field(fault, "fault") == id) return fault;
  }
  return {};
}

// The call returns before the agent has acted; a person wants to know whether it is in force.
Json wait_until_settled(Connection& controller, const std::string& id) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  Json fault;
  do {
    fault = find_fault(controller, id);
    const std::string state = field(fault, "state");
    const bool being_undone =
        state == "live" && (!field(fault, "reason").empty() || field(fault, "ending") == "true");
    if ((state == "live" && !being_undone) || state == "failed" || state == "reverted")
      return fault;
    std::this_thread::sleep_for(50ms);
  } while (std::chrono::steady_clock::now() < deadline);
  return fault;
}

int say(Invocation& invocation, const std::string& id, Json fault) {
  const std::string state = field(fault, "state");
  if (fault.is_null()) fault = {{"id", id}, {"state", nullptr}};
  if (invocation.json) invocation.terminal.document(fault);
  const std::string reason = field(fault, "reason");
  const bool was_in_force = !field(fault, "live_us").empty();
  const auto fine = [&](const std::string& words) {
    if (!invocation.json) invocation.terminal.line(cat("fault ", id, " ", words));
    return kPass;
  };
  const auto bad = [&](const std::string& words, int status) {
    invocation.terminal.error(cat("fault ", id, " ", words, reason.empty() ? "" : ": " + reason));
    return status;
  };
  const bool ending = field(fault, "ending") == "true";
  if (field(fault, "stuck") == "true") return bad("is due", kFail);  // the reason says it
  if (state == "live" && ending) return bad("is being reverted already", kFail);
  if (state == "live" && reason.empty()) return fine("is in force");
  if (state == "live") return bad("could not be applied, and is not undone yet", kFail);
  if (state == "reverted" && was_in_force && reason == "asked") return fine("is over already");
  if (state == "reverted" && was_in_force) return bad("ended before its time", kFail);
  if (state == "reverted") return bad("never came into force", kFail);
  const bool not_now = field(fault, "not_now") == "true";
  if (state == "failed") return bad("could not be applied", not_now ? kRefused : kFail);
  return bad(state.empty() ? "has no outcome yet" : "is " + state, kUnknown);
}

// Somebody who is there says yes; where nobody is, --yes was not given.
bool agrees(Invocation& i, const char* otherwise, const std::string& question) {
  if (i.has("--yes")) return true;
  if (::isatty(STDIN_FILENO) == 0) {
    i.terminal.error(cat(otherwise, ": there is nobody to ask, so say --yes"));
    return false;
  }
  i.terminal.line(question + " [y/N]");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

// A name means whoever bears it, on the whole machine: said before anything is broken. 0: go on.
int confirm_processes(Invocation& i, Connection& controller, const Json& target) {
  for (const char* selector : kProcessSelectors) {
    if (!target.contains(selector)) continue;
    const std::string name = field(target, selector);
    if (name.empty() || field(target, "node").empty()) continue;  // which the controller refuses
    const auto answer =
        controller.get(cat("/api/v1/processes/", percent_encoded(field(target, "node")), "?",
                           selector, "=", percent_encoded(name)));
    if (!answer && answer.error().code == ErrorCode::kConflict) {
      i.terminal.error("the fault could not be applied: " + answer.error().message);
      return kFail;
    }
    if (!answer) return report_error(i, answer.error());
    std::vector<std::string> pids;
    for (const Json& each : list_of(*answer, "processes")) pids.push_back(field(each, "pid"));
    const std::string hits =
        cat(selector, " ", name, " means ", pids.size(), " process", pids.size() == 1 ? "" : "es",
            " on ", field(target, "node"), ": ", join(pids, ", "));
    if (i.has("--yes")) i.terminal.status(hits);
    if (!agrees(i, "nothing is broken", cat(hits, "; break all of it?"))) {
      if (!i.has("--yes")) i.terminal.error(hits);
      return kUsage;
    }
  }
  return kPass;
}

int apply(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const Result<Json> target =
        pairs(i.texts("--target"), "--target", [](const std::string&) { return true; });
    if (!target) return report_error(i, target.error());
    const FaultKindSpec* kind = find_fault_kind(i.text("kind"));
    const Result<Json> params = pairs(i.texts("--param"), "--param", [&](const std::string& name) {
      return kind && is_text_param(*kind, name);
    });
    if (!params) return report_error(i, params.error());
    const Result<Duration> term = parse_duration(i.text("--for"));
    if (!term) return report_error(i, {ErrorCode::kInvalid, "--for: " + term.error().message});
    Json request = {{"kind", i.text("kind")},
                    {"target", *target},
                    {"params", *params},
                    {"for", i.text("--for")}};
    if (const auto most = i.integer("--targets-max")) request["targets_max"] = *most;
    if (const int no = confirm_processes(i, controller, *target); no != kPass) return no;
    const std::atomic<bool> never = false;  // Ctrl-C ends the command: nothing is in force yet
    const auto answer =
        post_when_ready(i, controller, "/api/v1/faults", request, WaitsFor::kNothingElse, never);
    if (!answer) return report_error(i, answer.error());
    const std::string id = field(*answer, "fault");
    return say(i, id, wait_until_settled(controller, id));
  });
}

bool is_over(const Json& fault) {
  const std::string state = field(fault, "state");
  return state == "reverted" || state == "failed";
}

// The fault once it is over, or as it is when the time is over: the controller goes on trying.
Json await_over(Invocation& i, Connection& controller, const std::string& id) {
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::seconds(i.integer("--wait").value_or(kRevertedWithinSeconds));
  Json fault = find_fault(controller, id);
  while (!is_over(fault) && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(50ms);
    fault = find_fault(controller, id);
  }
  return fault;
}

int revert(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const std::string id = i.text("fault");
    const auto answer =
        controller.post(cat("/api/v1/faults/", percent_encoded(id), "/revert"), Json::object());
    if (!answer) return report_error(i, answer.error());
    const bool was_over = field(*answer, "over") == "true";
    Json fault = was_over ? find_fault(controller, id) : await_over(i, controller, id);
    if (fault.is_null()) fault = {{"id", id}, {"state", nullptr}};
    if (i.json) i.terminal.document(fault);
    if (was_over || is_over(fault)) {
      const std::string reason = field(fault, "reason");
      const bool is_news = !was_over && !reason.empty() && reason != "asked";
      if (!i.json) {
        i.terminal.line(cat("fault ", id, was_over ? " is over already" : " is reverted",
                            is_news ? ": " + reason : ""));
      }
      return kPass;
    }
    const std::string why = field(fault, "revert_error");
    i.terminal.error(cat("fault ", id, " is not reverted yet",
                         why.empty() ? ", its agent has not answered" : ": " + why,
                         ". The controller goes on trying; `panshi fault revert ", id,
                         "` waits again"));
    return kUnknown;
  });
}

Json closing(const Invocation& i) {
  Json body = {{"by", i.text("--by", "panshi")}, {"reason", i.text("--reason")}};
  if (i.has("--force")) body["force"] = true;
  return body;
}

// Of a whole node. What is left are ordered ones, each with why.
int close_all(Invocation& i, Connection& controller) {
  const std::string node = i.text("--node");
  const auto answer =
      controller.post(cat("/api/v1/nodes/", percent_encoded(node), "/faults/close"), closing(i));
  if (!answer) return report_error(i, answer.error());
  if (i.json) i.terminal.document(*answer);
  std::vector<std::string> closed;
  for (const std::string& id : texts_of(*answer, "closed")) closed.push_back(one_line(id));
  const char* what = closed.size() == 1 ? " fault is closed: " : " faults are closed: ";
  if (!i.json && closed.empty()) i.terminal.line(cat(node, ": there is no fault to close"));
  if (!i.json && !closed.empty()) {
    i.terminal.line(cat(node, ": ", closed.size(), what, join(closed, ", ")));
  }
  const Json left = list_of(*answer, "left");
  for (const Json& one : left) i.terminal.error(cat("not closed: ", field(one, "why")));
  return left.empty() ? kPass : kFail;
}

int close(Invocation& invocation) {
  const std::string id = invocation.text("fault");
  const bool of_node = invocation.has("--node");
  if (id.empty() != of_node || of_node != invocation.has("--all")) {
    invocation.terminal.error(
        "fault close wants an ID, or --node NODE with --all; see `panshi fault close --help`");
    return kUsage;
  }
  if (of_node) return with_controller(invocation, close_all);
  return act(invocation, cat("/api/v1/faults/", percent_encoded(id), "/close"), closing(invocation),
             [&](const Json&) { return cat("fault ", id, " is closed"); });
}

// The table of what is left over, or that nothing is.
int show_leftovers(Invocation& i, const Json& leftovers) {
  if (leftovers.empty()) {
    if (!i.json) i.terminal.line(cat("nothing is left over on ", i.text("node")));
    return kPass;
  }
  std::vector<std::vector<std::string>> rows = {{"what", "ours", "why", "how to clear it"}};
  for (const Json& one : leftovers) {
    rows.push_back(
        {field(one, "what"), field(one, "ours"), field(one, "why"), field(one, "clear_hint")});
  }
  if (!i.json) i.terminal.line(table(rows));
  return kFail;
}

int clear(Invocation& i, Connection& controller) {
  const auto answer = controller.post(
      cat("/api/v1/fsck/", percent_encoded(i.text("node")), "/clear"), Json::object());
  if (!answer) return report_error(i, answer.error());
  if (i.json) i.terminal.document(*answer);
  for (const std::string& what : texts_of(*answer, "cleared")) {
    if (!i.json) i.terminal.line("cleared: " + one_line(what));
  }
  for (const Json& one : list_of(*answer, "failed")) {
    i.terminal.error(cat("not cleared: ", field(one, "what"), ": ", field(one, "error")));
  }
  return show_leftovers(i, list_of(*answer, "leftovers"));
}

int fsck(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto answer = controller.get("/api/v1/fsck/" + percent_encoded(i.text("node")));
    if (!answer) return report_error(i, answer.error());
    const Json leftovers = list_of(*answer, "leftovers");
    const bool wants_clear = i.has("--clear") && !leftovers.empty();
    if (i.json && !wants_clear) i.terminal.document(*answer);
    const int status = show_leftovers(i, leftovers);
    return wants_clear && agrees(i, "nothing is cleared", "clear what is ours of it?")
               ? clear(i, controller)
               : status;
  });
}

// One row for each kind, with the nodes that cannot do it.
std::vector<std::vector<std::string>> kind_rows(const Json& answer) {
  std::map<std::string, std::vector<std::string>> rows;
  for (const Json& node : list_of(answer, "nodes")) {
    for (const Json& kind : list_of(node, "kinds")) {
      std::vector<std::string>& row = rows[field(kind, "name")];
      std::vector<std::string> params;
      for (const Json& param : list_of(kind, "params")) params.push_back(field(param, "name"));
      if (row.empty()) {
        row = {field(kind, "name"), field(kind, "target"), join(params, ", "), "",
               field(kind, "summary")};
      }
      if (field(kind, "possible") != "true")
        row[3] += (row[3].empty() ? "" : ", ") + field(node, "node");
    }
  }
  std::vector<std::vector<std::string>> list = {{"kind", "target", "parameters", "not on", "what"}};
  for (auto& [name, row] : rows) list.push_back(std::move(row));
  return list;
}

// Why, once for each reason of a node: "not on db-1: db.read-only, db.disconnect: account … lacks
// …".
std::vector<std::string> whys_not(const Json& answer) {
  std::vector<std::string> lines;
  for (const Json& node : list_of(answer, "nodes")) {
    if (!field(node, "error").empty())
      lines.push_back(cat("not known of ", field(node, "node"), ": ", field(node, "error")));
    std::map<std::string, std::vector<std::string>> by_reason;
    for (const Json& kind : list_of(node, "kinds")) {
      if (field(kind, "possible") != "true")
        by_reason[field(kind, "why_not")].push_back(field(kind, "name"));
    }
    for (const auto& [why, names] : by_reason)
      lines.push_back(cat("not on ", field(node, "node"), ": ", join(names, ", "), ": ", why));
  }
  return lines;
}

int kinds(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto answer = controller.get("/api/v1/fault-kinds");
    if (!answer) return report_error(i, answer.error());
    if (i.json) {
      i.terminal.document(*answer);
      return kPass;
    }
    i.terminal.line(table(kind_rows(*answer)));
    for (const std::string& line : whys_not(*answer)) i.terminal.line(line);
    return kPass;
  });
}

// From the table of this program: no controller is needed.
int explain(Invocation& invocation) {
  const std::string name = invocation.text("kind");
  const FaultKindSpec* kind = name.empty() ? nullptr : find_fault_kind(name);
  if (!name.empty() && !kind) {
    invocation.terminal.error(cat("unknown kind `", name, "`",
                                  did_you_mean(name, fault_kind_names()),
                                  "; `panshi fault kinds` lists all"));
    return kUsage;
  }
  if (invocation.json) {
    Json all = Json::array();
    for (const FaultKindSpec& each : fault_kind_specs()) {
      if (!kind || kind == &each) all.push_back(to_json(each));
    }
    invocation.terminal.document({{"kinds", all}});
    return kPass;
  }
  std::string text = kind ? fault_reference(*kind) : fault_reference();
  text.pop_back();  // line() ends it
  invocation.terminal.line(text);
  return kPass;
}

}  // namespace

std::vector<Command> fault_commands() {
  return {
      {"fault", "list", "List faults and their state.", "panshi fault list --json", {}, list},
      {"fault",
       "apply",
       "Break one thing by hand, under a lease and for a limited time.",
       "panshi fault apply link.delay --target node=app-1 --target link=cardkeys --param "
       "delay=500ms --for 30s",
       {{"kind", "KIND", "see `panshi fault kinds`", true},
        {"--target", "NAME=VALUE",
         "service=NAME, node=NAME, or node=NAME with link|process|cgroup|unit=NAME", true, true},
        {"--param", "NAME=VALUE", "a parameter of the kind", false, true},
        {"--for", "TIME", "how long, like 30s", true},
        {"--targets-max", "N",
         "targets that may be broken at once, those in force included "
         "(default: 1)",
         false, false, 1, 100},
        {"--yes", "", "do not ask how many processes a name means"},
        {"--wait", "N", "seconds to wait while a drill is under way or evidence is late", false,
         false, 0, 3'600}},
       apply},
      {"fault",
       "revert",
       "Revert one fault and wait for it; exit 2 while its agent has not managed to.",
       "panshi fault revert f-12",
       {{"fault", "ID", "id of the fault", true},
        {"--wait", "N", "seconds to wait, 5 when left out", false, false, 0, 600}},
       revert},
      {"fault",
       "close",
       "Say that a fault is over whose agent lost it, or is not to be believed, after looking at "
       "what it broke.",
       "panshi fault close f-12 --reason 'permissions put back by hand' --by night-shift\n"
       "  panshi fault close --node app-1 --all --reason 'taken over, its host is rebuilt'",
       {{"fault", "ID", "id of the fault, unless --node says whose"},
        {"--node", "NODE", "with --all: every fault of it that nobody ordered or its agent lost"},
        {"--all", "", "see --node"},
        {"--force", "",
         "also what its agent says is in force; it is not heard on it again, and no lease of it "
         "renewed"},
        {"--reason", "WHY", "goes into the journal", true},
        {"--by", "WHO", "who has looked"}},
       close},
      {"fault",
       "fsck",
       "Find what faults have left behind on a node; exit 1 when there is something.",
       "panshi fault fsck keys-1 --clear",
       {{"node", "NODE", "name of the node", true},
        {"--clear", "", "clear what is ours of it, after asking"},
        {"--yes", "", "do not ask"}},
       fsck},
      {"fault",
       "kinds",
       "List the kinds of faults, on which nodes one is not possible, and why.",
       "panshi fault kinds",
       {},
       kinds},
      {"fault",
       "explain",
       "Say what a kind of fault breaks, its parameters with bounds, and what undo means.",
       "panshi fault explain link.delay",
       {{"kind", "KIND", "every kind when it is left out"}},
       explain}};
}

}  // namespace panshi::cli
