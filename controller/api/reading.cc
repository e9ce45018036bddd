// SPDX-License-Identifier: Apache-2.0
// The routes that only read.
#include <algorithm>
#include <charconv>
#include <functional>

#include "controller/api/api.h"
#include "controller/api/query.h"
#include "controller/limits.h"
#include "core/base/seat.h"
#include "core/base/text.h"
#include "core/model/check.h"

namespace panshi::controller {
namespace {

constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
constexpr Duration kKindsPatience = std::chrono::seconds(5);  // agents ask their servers for that

nlohmann::json names_and_titles(const auto& by_name) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [name, item] : by_name) list.push_back({{"name", name}, {"title", item.title}});
  return list;
}

// 12 in "d-12": ids grow with time.
std::int64_t number_in(const std::string& id) {
  std::int64_t number = 0;
  const char* const end = id.data() + id.size();
  std::from_chars(id.data() + std::min(id.size(), id.rfind('-') + 1), end, number);
  return number;
}

}  // namespace

nlohmann::json Api::world(const char* key) const {
  const auto view = parts_.view();
  const auto found = view->world.find(key);
  return found == view->world.end() ? nlohmann::json() : *found;
}

nlohmann::json Api::newest_first(const char* key) const {
  std::vector<std::pair<std::int64_t, nlohmann::json>> items;
  const auto all = world(key);  // items() refers to it
  for (const auto& [id, item] : all.items()) items.emplace_back(number_in(id), item);
  std::ranges::stable_sort(items, std::greater(), [](const auto& item) { return item.first; });
  nlohmann::json list = nlohmann::json::array();
  for (auto& [number, item] : items) list.push_back(std::move(item));
  return list;
}

Api::Answer Api::one_of(const char* key, const char* noun, const std::string& id) const {
  const auto all = world(key);
  if (all.is_object() && all.contains(id)) return all.at(id);
  std::vector<std::string> known;
  for (const auto& [name, item] : all.items()) known.push_back(name);
  return fail(ErrorCode::kNotFound, unknown_name(noun, id, known));
}

Api::Answer Api::status(const Request&) {
  const auto view = parts_.view();
  nlohmann::json answer = {{"version", parts_.version}, {"journal_seq", view->journal_seq}};
  for (const char* key :
       {"epoch", "halted", "halt_reason", "halt_unconfirmed", "doubt", "drill", "open_incidents"}) {
    answer[key] = view->world.contains(key) ? view->world.at(key) : nlohmann::json();
  }
  answer["incidents"] = nlohmann::json::array();
  const auto incidents = newest_first("incidents");
  for (const auto& incident : incidents) {
    if (incident.value("state", "") != "open") continue;
    answer["incidents"].push_back({{"id", incident.at("id")},
                                   {"title", incident.at("title")},
                                   {"waits_for", incident.at("waits_for")}});
  }
  answer["missed_days"] = nlohmann::json::array();
  const auto days = world("schedule");
  for (const auto& day : days) {
    if (!day.contains("missed") || !day.at("missed").is_object()) continue;
    answer["missed_days"].push_back({{"drill_day", day.at("name")},
                                     {"due_us", day.at("missed").at("due_us")},
                                     {"why", day.at("missed").at("why")}});
  }
  answer["insecure"] = nlohmann::json::array();
  if (parts_.insecure) answer["insecure"].push_back("controller");
  const auto offers = parts_.said.read();
  for (const auto& [node, said] : *offers) {
    if (said.insecure) answer["insecure"].push_back(node);
  }
  answer["agents"] = nlohmann::json::object();
  const auto agents = world("agents");  // items() refers to it
  for (const auto& [node, agent] : agents.items()) {
    answer["agents"][node] = {{"up", agent.value("up", false)}};
  }
  return answer;
}

Api::Answer Api::events(const Request& request) {
  JournalQuery query{.after = 0, .limit = 0, .drill = query_text(request, "drill")};
  ASSIGN_OR_RETURN(query.after, query_number(request, "after", 0, {0, kAny}));
  ASSIGN_OR_RETURN(query.limit, query_number(request, "limit", limits::kEventPageMax,
                                             {1, limits::kEventPageMax}));
  const auto wait_max = limits::kLongPollMax / std::chrono::milliseconds(1);
  ASSIGN_OR_RETURN(const auto wait_ms, query_number(request, "wait_ms", 0, {0, wait_max}));
  const MonoTime until = parts_.clock.mono() + std::chrono::milliseconds(wait_ms);
  const Seat seat(long_polls_, limits::kLongPollsMax);
  if (wait_ms > 0 && !seat.is_there()) {
    return fail(ErrorCode::kUnavailable, "too many long polls at once; ask again without wait_ms");
  }
  JournalPage page;
  do {  // one that belongs to another drill wakes us too
    ASSIGN_OR_RETURN(page, parts_.journal.read(query));
    query.after = page.next;
  } while (page.events.empty() && parts_.feed.wait_beyond(page.next, until));
  nlohmann::json list = nlohmann::json::array();
  for (const Event& event : page.events) list.push_back(to_json(event));
  return nlohmann::json{{"events", std::move(list)}, {"next", page.next}};
}

Api::Answer Api::signals(const Request&) {
  const WallTime now = parts_.anchored.now();
  nlohmann::json list = nlohmann::json::array();
  for (const SignalNow& signal : parts_.signals.newest()) {
    list.push_back({{"node", signal.node},
                    {"signal", signal.signal},
                    {"value", signal.value},
                    {"age_ms", (now - signal.at) / std::chrono::milliseconds(1)}});
  }
  return nlohmann::json{{"signals", std::move(list)}};
}

Api::Answer Api::samples(const Request& request) {
  SignalStore::Query query{.signal = request.captures.at(0), .node = query_text(request, "node")};
  ASSIGN_OR_RETURN(const auto from_time, query_number(request, "from_us", 0, {0, kAny}));
  ASSIGN_OR_RETURN(const auto to_time, query_number(request, "to_us", kAny, {0, kAny}));
  query.from = from_us(from_time);
  query.to = from_us(to_time);
  query.limit = limits::kSamplePageMax;
  ASSIGN_OR_RETURN(const auto samples, parts_.signals.read(query));
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [at, value] : samples) list.push_back({to_us(at), value});
  return nlohmann::json{{"samples", std::move(list)}};
}

Api::Answer Api::drills(const Request&) {
  return nlohmann::json{{"drills", newest_first("drills")}};
}
Api::Answer Api::drill(const Request& request) {
  return one_of("drills", "drill", request.captures.at(0));
}
Api::Answer Api::incidents(const Request&) {
  return nlohmann::json{{"incidents", newest_first("incidents")}};
}
Api::Answer Api::incident(const Request& request) {
  return one_of("incidents", "incident", request.captures.at(0));
}
Api::Answer Api::faults(const Request&) {
  return nlohmann::json{{"faults", newest_first("faults")}};
}
Api::Answer Api::runs(const Request&) { return nlohmann::json{{"runs", newest_first("runs")}}; }
Api::Answer Api::run(const Request& request) {
  return one_of("runs", "run", request.captures.at(0));
}
Api::Answer Api::rules(const Request&) { return nlohmann::json{{"rules", world("rules")}}; }
Api::Answer Api::runbooks(const Request&) {
  return nlohmann::json{{"runbooks", world("runbooks")}};
}
Api::Answer Api::schedule(const Request&) {
  return nlohmann::json{{"drill_days", world("schedule")}};
}

Api::Answer Api::schedule_draw(const Request& request) {
  ASSIGN_OR_RETURN(const auto seed, query_number(request, "seed", 0, {0, kAny}));
  return parts_.draw(query_text(request, "day"), static_cast<std::uint64_t>(seed));
}

Api::Answer Api::agents(const Request& request) {
  nlohmann::json list = nlohmann::json::array();
  const auto catalog = parts_.catalog.read();
  for (const auto& [name, node] : catalog->inventory.nodes) {
    Request one = request;
    one.captures = {name};
    ASSIGN_OR_RETURN(auto known, agent(one));
    list.push_back(std::move(known));
  }
  return nlohmann::json{{"agents", std::move(list)}};
}

Api::Answer Api::agent(const Request& request) {
  const std::string& name = request.captures.at(0);
  const auto catalog = parts_.catalog.read();
  const auto found = catalog->inventory.nodes.find(name);
  if (found == catalog->inventory.nodes.end()) return unknown_node(catalog->inventory, name);
  auto known = one_of("agents", "agent", name).value_or(nlohmann::json{{"up", false}});
  known["node"] = name;
  known["url"] = found->second.url;
  return known;
}

// One entry a node: {"node", key: […]} or {"node","error"}. All are asked at once: one that does
// not answer keeps nobody waiting for longer than its own time.
nlohmann::json Api::of_every_agent(const std::string& path, const char* key, Duration patience) {
  nlohmann::json list = nlohmann::json::array();
  const auto catalog = parts_.catalog.read();
  std::vector<std::string> names;
  for (const auto& [name, node] : catalog->inventory.nodes) names.push_back(name);
  for (const auto& [name, answer] : parts_.fleet.ask_all(names, path, patience)) {
    if (answer && answer->is_object() && answer->contains(key)) {
      list.push_back({{"node", name}, {key, answer->at(key)}});
    } else {
      list.push_back({{"node", name}, {"error", answer ? "unexpected" : answer.error().message}});
    }
  }
  return list;
}

Api::Answer Api::links(const Request&) {
  nlohmann::json links = nlohmann::json::array();
  for (auto& node : of_every_agent("/v1/links", "links", kAgentPatience)) {
    if (node.contains("error")) continue;  // GET /agents says which are down
    for (auto& link : node["links"]) {
      link["node"] = node["node"];
      links.push_back(link);
    }
  }
  return nlohmann::json{{"links", std::move(links)}};
}

Api::Answer Api::fault_kinds(const Request&) {
  return nlohmann::json{{"nodes", of_every_agent("/v1/faults/kinds", "kinds", kKindsPatience)}};
}

// Before a fault by name: how many processes of the node it would hit.
Api::Answer Api::processes(const Request& request) {
  const std::string& name = request.captures.at(0);
  const auto catalog = parts_.catalog.read();
  if (!catalog->inventory.nodes.contains(name)) return unknown_node(catalog->inventory, name);
  std::string path = "/v1/processes";
  for (const char* selector : kProcessSelectors) {
    const std::string selected = query_text(request, selector);
    if (!selected.empty()) path = cat("/v1/processes?", selector, "=", percent_encoded(selected));
  }
  return parts_.fleet.ask(name, path, kAgentPatience);
}

Api::Answer Api::fsck(const Request& request) {
  const std::string& name = request.captures.at(0);
  const auto catalog = parts_.catalog.read();
  if (!catalog->inventory.nodes.contains(name)) return unknown_node(catalog->inventory, name);
  return parts_.fleet.ask(name, "/v1/fsck", kAgentPatience);
}

// Not by the loop: what is left over is in no plan, and the agent clears the same things however
// often it is told.
Api::Answer Api::clear_leftovers(const Request& request) {
  const std::string& name = request.captures.at(0);
  const auto catalog = parts_.catalog.read();
  if (!catalog->inventory.nodes.contains(name)) return unknown_node(catalog->inventory, name);
  return parts_.fleet.tell(name, "/v1/fsck/clear", kAgentPatience);
}

Api::Answer Api::catalog(const Request&) {
  nlohmann::json scenarios = nlohmann::json::array();
  const auto catalog = parts_.catalog.read();
  for (const auto& [name, scenario] : catalog->scenarios) {
    scenarios.push_back({{"name", name}, {"title", scenario.title}, {"summary", scenario.summary}});
  }
  nlohmann::json nodes = nlohmann::json::array();
  Inventory inventory = catalog->inventory;
  inventory.learn(*parts_.said.read());
  for (const auto& [name, node] : inventory.nodes) {
    nlohmann::json entry = {{"name", name},
                            {"services", node.services},
                            {"links", node.links},
                            {"programs", node.programs}};
    entry.update(to_json(node.offer));
    nodes.push_back(std::move(entry));
  }
  return nlohmann::json{{"nodes", std::move(nodes)},
                        {"scenarios", std::move(scenarios)},
                        {"rules", names_and_titles(catalog->rules)},
                        {"runbooks", names_and_titles(catalog->runbooks)}};
}

}  // namespace panshi::controller
