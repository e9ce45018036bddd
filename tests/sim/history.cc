// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/history.h"

#include <algorithm>
#include <iterator>

#include "core/base/text.h"

namespace panshi::sim {

using namespace std::chrono_literals;
using Json = nlohmann::json;

namespace {

constexpr Duration kTick = 100ms;
constexpr Duration kStormy = 75s;
constexpr Duration kCalm = 65s;  // longer than any effect is waited for
constexpr Duration kLagMax = 1500ms;
constexpr Duration kSlack = 2 * kLagMax + 1s;  // there, back, and the poll between

}  // namespace

History::History(std::uint64_t seed)
    : random_(seed), catalog_(random_catalog(random_)), checks_(catalog_) {
  for (const auto& [name, node] : catalog_.inventory.nodes) {
    agents_.emplace(name, FakeAgent(name, node.services, random_.fork()));
  }
  // From a quiet day, on which drills must be able to pass, to a very bad one.
  const auto severity = random_.below(4);
  losses_ = static_cast<unsigned>(severity * 2);
  crashes_ = severity;
  orders_ = static_cast<unsigned>(1 + random_.below(4));
}

void History::later(Duration delay, Work work) {
  queue_.push({now_ + delay, ++order_, std::move(work)});
}

Duration History::lag() {
  if (losses_ > 0 && weather_ && random_.chance(2)) return Duration(random_.below(kLagMax.count()));
  return Duration(random_.below(weather_ ? 60'000 : 5'000));
}

void History::run() {
  start_controller();
  const WallTime storm_ends = now_ + kStormy;
  const WallTime end = storm_ends + kCalm;
  while (now_ < end) {
    const WallTime tick = now_ + kTick;
    weather_ = tick < storm_ends;
    while (!queue_.empty() && queue_.top().at <= tick) {
      const Due due = queue_.top();
      queue_.pop();
      now_ = std::max(now_, due.at);
      due.work();
    }
    now_ = tick;
    for (auto& [name, agent] : agents_) agent.tick(now_);
    if (!world_ && now_ >= back_at_) start_controller();
    if (weather_) mischief();
    if (!weather_) start_agents();
    if (weather_ && random_.chance(orders_)) people();
    sessions();
    if (world_ && world_->next_deadline() && *world_->next_deadline() <= now_) {
      step(controller::Tick{});
    }
    checks_.agents(agents_, kSlack, now_);
  }
  checks_.at_end(agents_);
}

void History::start_controller() {
  world_.emplace(catalog_);
  for (const Event& event : journal_) world_->apply(event);
  life_ += 1;
  sessions_.clear();
  step(controller::Restarted{.version = "sim", .calendar_ahead = clock_ahead_});
}

// The state must be the fold of the journal, whatever was in memory.
void History::crash_controller() {
  if (!world_) return;
  controller::World again(catalog_);
  for (const Event& event : journal_) again.apply(event);
  Json before = world_->view(now_);
  Json after = again.view(now_);
  for (Json* view : {&before, &after}) {
    for (Json& incident : (*view)["incidents"]) incident.erase("waits_for");  // by what was seen
  }
  for (const char* key : {"epoch", "halted", "doubt", "drills", "incidents", "runs", "faults"}) {
    if (before[key] != after[key]) {
      throw BrokenPromise(cat("the fold of the journal differs in ", key, ": ",
                              Json::diff(before[key], after[key]).dump()));
    }
  }
  world_.reset();
  back_at_ = now_ + Duration(random_.below(6'000'000));
  tally_.crashes += 1;
}

void History::step(const controller::Input& input) {
  if (!world_) return;
  const controller::Stepped out = world_->step(input, now_);
  tally_.steps += 1;
  tally_.events += static_cast<std::int64_t>(out.events.size());
  for (Event event : out.events) {
    event.seq = static_cast<std::int64_t>(journal_.size()) + 1;
    if (event.kind == "drill.started") tally_.drills += 1;
    if (event.kind == "run.started") tally_.runs += 1;
    if (event.kind == "fault.live") tally_.faults += 1;
    if (event.kind == "drill.done" && event.data["verdict"] == "pass") tally_.passes += 1;
    journal_.push_back(std::move(event));
  }
  checks_.stepped(out, now_);
  const bool crash_between =
      weather_ && !out.effects.empty() && random_.chance(static_cast<unsigned>(crashes_));
  if (crash_between) return crash_controller();
  for (const auto& effect : out.effects) carry_out(effect);
  if (weather_ && !out.effects.empty() && random_.chance(static_cast<unsigned>(crashes_)))
    crash_controller();
}

void History::carry_out(const controller::Effect& effect) {
  if (effect.node.empty()) {
    if (!lost()) later(lag(), [this, effect] { answer(effect, {"ok", "", Json::object()}, now_); });
    return;
  }
  if (lost()) return;  // the world must give it up by itself
  const int copies = losses_ > 0 && weather_ && random_.chance(4) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    later(lag(), [this, effect, epoch = world_->epoch(), life = life_] {
      FakeAgent& agent = agents_.at(effect.node);
      FakeAgent::Answer said{"failed", "connection refused", Json::object()};
      if (agent.alive) said = agent.handle(effect, epoch, now_);
      if (lost()) {
        if (random_.chance(50)) return;
        said = {"unknown", "timed out", Json::object()};
      }
      // The fleet knows how long an answer was on its way.
      later(lag(), [this, effect, said, life, at = now_] {
        if (life == life_) answer(effect, said, at);
      });
    });
  }
}

void History::answer(const controller::Effect& effect, const FakeAgent::Answer& said, WallTime at) {
  step(controller::EffectDone{effect.id, said.outcome, said.detail, said.result, at});
}

void History::sessions() {
  if (!world_) return;
  for (const auto& [name, agent] : agents_) {
    Session& session = sessions_[name];
    if (session.last_word == WallTime{}) session.last_word = now_;
    const bool silent = now_ - session.last_word > catalog_.settings.agent_lost_after;
    if (silent && !session.said_lost) {
      session.said_lost = true;
      session.phase = Session::Phase::kCatchUp;
      step(controller::AgentLost{name, "no answer"});
      if (!world_) return;
    }
    if (!session.under_way && now_ >= session.next_call) call(name);
  }
}

void History::call(const std::string& node) {
  Session& session = sessions_[node];
  session.under_way = true;
  session.next_call = now_ + 200ms;
  if (lost() || !agents_.at(node).alive) {  // refused or never answered: free again in a while
    later(300ms, [this, node, life = life_] {
      if (life == life_) sessions_[node].under_way = false;
    });
    return;
  }
  if (session.phase == Session::Phase::kStatus) return fetch_status(node);
  poll(node);
}

void History::fetch_status(const std::string& node) {
  later(lag(), [this, node, life = life_] {
    FakeAgent& agent = agents_.at(node);
    const bool alive = agent.alive;
    Json status = agent.status(now_);
    later(lag(), [this, node, life, alive, status = std::move(status), at = now_] {
      if (life != life_ || !world_) return;
      Session& session = sessions_[node];
      session.under_way = false;
      if (!alive) return;
      session.last_word = now_;
      session.said_lost = false;
      session.phase = Session::Phase::kFollow;
      step(controller::AgentState{node, status, at});
    });
  });
}

void History::poll(const std::string& node) {
  const auto renew = world_->faults_to_renew(node);
  const Cursor cursor = cursors_[node];
  later(lag(), [this, node, renew, cursor, epoch = world_->epoch(), life = life_] {
    FakeAgent& agent = agents_.at(node);
    const bool alive = agent.alive;
    if (alive) agent.renew(renew, catalog_.settings.lease, epoch, now_);
    const std::string start_id = cat("s-", agent.starts);
    const std::int64_t after = start_id == cursor.start_id ? cursor.after : 0;
    std::vector<FakeAgent::Event> events;
    for (const auto& event : agent.events) {
      if (event.seq > after) events.push_back(event);
    }
    controller::AgentEvents told{node, {}, samples(node)};
    later(lost() ? Duration(10s) : lag(), [=, this, events = std::move(events)] {
      if (life != life_ || !world_) return;
      sessions_[node].under_way = false;
      if (alive) take_poll(node, start_id, events, told);
    });
  });
}

void History::take_poll(const std::string& node, const std::string& start_id,
                        std::vector<FakeAgent::Event> events, controller::AgentEvents told) {
  Session& session = sessions_[node];
  Cursor& cursor = cursors_[node];
  session.last_word = now_;
  const bool new_run = cursor.start_id != start_id;
  if (new_run) cursor = {start_id, 0};
  for (auto& event : events) {
    cursor.after = std::max(cursor.after, event.seq);
    told.events.push_back(std::move(event.item));
  }
  if (session.phase == Session::Phase::kCatchUp || new_run) session.phase = Session::Phase::kStatus;
  step(told);
}

std::vector<controller::AgentEvents::Sample> History::samples(const std::string& node) const {
  const FakeAgent& app = agents_.at("app");
  const FakeAgent& keys = agents_.at("keys");
  std::vector<controller::AgentEvents::Sample> told;
  if (node == "db") {
    const auto route = app.routes.find("keys");
    const bool on_standby = route != app.routes.end() && route->second == "standby";
    const bool slow = keys.is_broken(on_standby ? "standby" : "keys");
    const double ratio = app.is_broken("orders") ? 0.3 : (slow ? 0.8 : 1.0);
    told.push_back({now_, "latency_ms", slow ? 400.0 : 20.0});
    told.push_back({now_, "success_ratio", ratio});
  }
  const FakeAgent& agent = agents_.at(node);
  for (const std::string& service : agent.services) {
    told.push_back({now_, service + ".up", agent.is_broken(service) ? 0.0 : 1.0});
  }
  return told;
}

// In the calm whoever is still dead is started, as by a service manager, and tells how it ended.
void History::start_agents() {
  for (auto& [name, agent] : agents_) {
    if (!agent.alive) agent.start(now_);
  }
}

void History::mischief() {
  for (auto& [name, agent] : agents_) {
    if (agent.alive && random_.below(1000) < crashes_) {
      agent.crash(now_);
    } else if (!agent.alive && random_.chance(3)) {
      agent.start(now_);
    }
  }
  if (random_.below(1000) < crashes_) crash_controller();
  if (random_.below(1000) < crashes_) step(controller::LateLoop{400ms});
  if (random_.below(1000) < crashes_) {  // somebody sets the clock, by minutes or by years
    constexpr Duration kSteps[] = {0s, 2min, -2min, 24h * 8, -24h * 8, 24h * 3'650};
    clock_ahead_ = kSteps[random_.below(std::size(kSteps))];
    step(controller::ClockMoved{clock_ahead_});
  }
}

void History::people() {
  static const std::vector<std::pair<const char*, Json>> kOrders = {
      {"drill.run", {{"scenario", "one"}}},
      {"drill.run", {{"scenario", "two"}, {"seed", 5}}},
      {"drill.run", {{"scenario", "one"}, {"seed", 9}}},
      {"drill.run", {{"scenario", "missing"}}},
      {"drill.abort", {{"drill", "d-1"}}},
      {"halt", {{"reason", "a person"}}},
      {"resume", Json::object()},
      {"resume", Json::object()},
      {"fault.apply",
       {{"kind", "process.pause"}, {"target", {{"service", "keys"}}}, {"for", "4s"}}},
      {"fault.revert", {{"fault", "f-1"}}},
      {"link.reroute", {{"node", "app"}, {"link", "keys"}, {"to", "primary"}}},
      {"runbook.run", {{"runbook", "failover"}}},
      {"runbook.run", {{"runbook", "restart"}, {"dry_run", true}}},
      {"incident.close", {{"incident", "i-1"}, {"reason", "it is known"}}},
      {"incident.ack", {{"incident", "i-1"}}}};
  const auto& [verb, body] = kOrders[random_.below(kOrders.size())];
  step(controller::Command{verb, body});
}

}  // namespace panshi::sim
