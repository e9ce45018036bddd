// SPDX-License-Identifier: Apache-2.0
#include "controller/loop/loop.h"

#include <algorithm>

#include "controller/limits.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "core/io/secret.h"

namespace panshi::controller {
namespace {

Event make_event(std::string kind, WallTime at, std::string node, nlohmann::json data) {
  Event event;
  event.at = at;
  event.kind = std::move(kind);
  event.node = std::move(node);
  event.data = std::move(data);
  return event;
}

Event effect_intended(const Effect& effect, WallTime now) {
  return make_event("effect.intended", now, effect.node, to_json(effect));
}

Event effect_done(const EffectDone& done, const std::string& node, WallTime asked) {
  return make_event("effect.done", done.at, node,
                    {{"effect", done.effect},
                     {"outcome", done.outcome},
                     {"detail", done.detail},
                     {"duration_us", (done.at - asked).count()}});
}

// What whoever reads the log must know.
void log_news(const std::vector<Event>& events) {
  for (const Event& event : events) {
    const auto text = [&](const char* key) { return event.data.value(key, std::string()); };
    if (event.kind == "agent.up") log_info(cat("agent ", event.node, " is up"));
    if (event.kind == "agent.down") log_warn(cat("agent ", event.node, " is down: ", text("why")));
    if (event.kind == "agent.overstepped") {
      log_warn(cat("agent ", event.node, " ", text("text")));
    }
    if (event.kind == "schedule.missed") {
      log_warn(cat("drill day ", text("drill_day"), " was missed: ", text("why")));
    }
    if (event.kind == "agent.lacks") log_warn(cat("agent ", event.node, ": ", text("text")));
  }
}

}  // namespace

Loop::Loop(Options options, Parts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      letters_(limits::kMailboxMax),
      nodes_(options_.nodes) {}

Status Loop::recover() {
  const auto replayed =
      parts_.journal.replay([this](const Event& event) { parts_.brain.apply(event); });
  if (!replayed) return replayed;
  clock_.emplace(parts_.clock, parts_.journal.newest_at());
  parts_.feed.publish(parts_.journal.last_seq());
  return {};
}

Status Loop::begin() {
  Gathered gathered;
  calendar_ahead_ = calendar_ahead();
  gather(Restarted{options_.version, options_.epoch_above, options_.ids_above, calendar_ahead_},
         gathered);
  // The epoch must be known before the first effect goes out, and durable before that.
  auto effects = std::move(gathered.effects);
  if (auto durable = append(std::move(gathered.events)); !durable) return durable;
  publish(true);
  publish_view();
  for (const Effect& effect : effects) parts_.carry_out(effect);
  return {};
}

Status Loop::run() {
  if (auto begun = begin(); !begun) return begun;
  while (!stopping_) {
    const MonoTime asked = next_wake();
    auto letters = letters_.take_all(asked);
    if (stopping_) break;
    if (auto turned = turn(std::move(letters), asked); !turned) return turned;
  }
  publish_view();
  return {};
}

void Loop::stop() {
  stopping_ = true;
  (void)letters_.put({.input = Tick{}});  // wakes it; a full mailbox means it is awake
}

MonoTime Loop::next_wake() const {
  const MonoTime now = parts_.clock.mono();
  const auto deadline = parts_.brain.next_deadline();
  if (!deadline) return now + limits::kLoopIdleMax;
  return now + std::clamp(*deadline - clock_->now(), Duration(0), limits::kLoopIdleMax);
}

Status Loop::turn(std::vector<Letter> letters, MonoTime asked) {
  const MonoTime woke = parts_.clock.mono();
  const Duration late = std::max(woke - asked, last_turn_);
  Gathered gathered;
  if (late > options_.late_bound) gather(LateLoop{late}, gathered);
  const Duration ahead = calendar_ahead();
  if (std::chrono::abs(ahead - calendar_ahead_) >= limits::kClockStep) {
    calendar_ahead_ = ahead;
    gather(ClockMoved{ahead}, gathered);
  }
  for (Letter& letter : letters) gather(std::move(letter), gathered);
  const auto deadline = parts_.brain.next_deadline();
  if (deadline && *deadline <= clock_->now()) gather(Tick{}, gathered);

  const bool news = !gathered.events.empty();
  auto answers = std::move(gathered.answers);
  if (auto acted = act_on(std::move(gathered)); !acted) {
    for (auto& [reply, result] : answers) reply->answer(tl::unexpected(acted.error()));
    return acted;
  }
  publish(news || !answers.empty());
  const bool is_old = parts_.clock.mono() - viewed_at_ >= limits::kViewEvery;
  // Before the answer, so that whoever asked sees its effect.
  if (view_wanted_ || is_old || !answers.empty()) publish_view();
  for (auto& [reply, result] : answers) reply->answer(std::move(result));
  last_turn_ = parts_.clock.mono() - woke;
  return {};
}

void Loop::gather(Letter letter, Gathered& gathered) {
  if (letter.cursor) new_cursors_[letter.cursor->node] = *letter.cursor;
  if (!letter.reply) return gather(letter.input, gathered);
  if (!letter.reply->take()) return;
  Stepped stepped = parts_.brain.step(letter.input, clock_->now());
  auto answer = stepped.answer.value_or(
      fail(ErrorCode::kInternal, "the command was not answered: this is a bug"));
  const auto* reload = std::get_if<Reloaded>(&letter.input);
  if (reload && answer) nodes_ = reload->catalog->inventory.node_names();
  gathered.answers.emplace_back(std::move(letter.reply), std::move(answer));
  std::ranges::move(stepped.events, std::back_inserter(gathered.events));
  std::ranges::move(stepped.effects, std::back_inserter(gathered.effects));
}

void Loop::gather(const Input& input, Gathered& gathered) {
  Stepped stepped = parts_.brain.step(input, clock_->now());
  std::ranges::move(stepped.events, std::back_inserter(gathered.events));
  std::ranges::move(stepped.effects, std::back_inserter(gathered.effects));
}

Status Loop::act_on(Gathered gathered) {
  if (auto durable = append(std::move(gathered.events)); !durable) return durable;
  for (const Effect& effect : gathered.effects) parts_.carry_out(effect);
  return {};
}

Status Loop::append(std::vector<Event> events) {
  if (events.empty()) return {};  // cursors alone can wait: nothing was made of those events
  std::vector<AgentCursor> cursors;
  for (auto& [node, cursor] : new_cursors_) cursors.push_back(std::move(cursor));
  new_cursors_.clear();
  // The net below all that comes in: also what a file of the catalogue holds.
  for (Event& event : events) event.data = json_without_secrets(event.data);
  if (auto appended = parts_.journal.append(events, cursors); !appended) return appended;
  parts_.feed.publish(parts_.journal.last_seq());
  log_news(events);
  return {};
}

void Loop::publish(bool news) {
  const MonoTime now = parts_.clock.mono();
  if (news) {  // only events change what the nodes need; most turns bring none
    NeedsOfNodes nodes;
    for (const std::string& node : nodes_) {
      nodes[node] = {.renew = parts_.brain.faults_to_renew(node),
                     .watch = parts_.brain.watches(node)};
    }
    nodes_need_ = std::make_shared<const NeedsOfNodes>(std::move(nodes));
  }
  needs_.publish({.nodes = nodes_need_, .epoch = parts_.brain.epoch(), .at = now});
}

void Loop::publish_view() {
  view_wanted_ = false;
  viewed_at_ = parts_.clock.mono();
  view_.publish(
      {.world = parts_.brain.view(clock_->now()), .journal_seq = parts_.journal.last_seq()});
  { const std::lock_guard lock(view_mutex_); }
  view_made_.notify_all();
}

std::shared_ptr<const LoopView> Loop::view() {
  const std::int64_t told = parts_.feed.last_seq();
  auto newest = view_.read();
  if (newest->journal_seq >= told) return newest;
  view_wanted_ = true;
  (void)letters_.put({.input = Tick{}});  // wakes it; a full mailbox means it is awake
  std::unique_lock lock(view_mutex_);
  view_made_.wait_for(lock, limits::kViewWait, [&] {
    newest = view_.read();
    return newest->journal_seq >= told;
  });
  return newest;
}

Status Loop::fold(std::vector<Event> events) {
  for (const Event& event : events) parts_.brain.apply(event);
  return append(std::move(events));
}

Status Loop::finish(const std::vector<Effect>& last, Duration patience) {
  const WallTime asked = clock_->now();
  std::vector<Event> intents;
  std::map<std::string, std::string> waiting;  // effect -> node
  for (const Effect& effect : last) {
    intents.push_back(effect_intended(effect, asked));
    waiting.emplace(effect.id, effect.node);
  }
  if (auto durable = fold(std::move(intents)); !durable) return durable;
  for (const Effect& effect : last) parts_.carry_out(effect);

  std::vector<Event> outcomes;
  const MonoTime until = parts_.clock.mono() + patience;
  while (!waiting.empty() && parts_.clock.mono() < until) {
    for (const Letter& letter : letters_.take_all(until)) {
      if (letter.reply && letter.reply->take()) {
        letter.reply->answer(fail(ErrorCode::kUnavailable, "the controller is stopping"));
      }
      const auto* done = std::get_if<EffectDone>(&letter.input);
      const auto found = done ? waiting.find(done->effect) : waiting.end();
      if (found == waiting.end()) continue;  // the next start asks the agents
      outcomes.push_back(effect_done(*done, found->second, asked));
      waiting.erase(found);
    }
  }
  for (const auto& [effect, node] : waiting) {
    EffectDone done;
    done.effect = effect;
    done.outcome = "unknown";
    done.detail = "no outcome before the controller stopped";
    done.at = clock_->now();
    outcomes.push_back(effect_done(done, node, asked));
  }
  letters_.close();
  if (auto durable = fold(std::move(outcomes)); !durable) return durable;
  return append(parts_.brain.step(Stopping{}, clock_->now()).events);
}

}  // namespace panshi::controller
