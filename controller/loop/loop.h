// SPDX-License-Identifier: Apache-2.0
// Loop: feeds the brain one input after another, and keeps the order of things.
//
// Promise: an event is durable before its effects are carried out or its command is answered; when
// the journal refuses, nothing more is done and run() returns. The loop measures itself: a turn
// that began or lasted longer than `late_bound` is told to the brain as LateLoop before anything
// else is (promise 6). It decides nothing.
//
// recover(), run() and finish() are called in this order on one thread, `loop`; stop(), letters(),
// view() and needs() may be used by any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controller/journal/feed.h"
#include "controller/journal/journal.h"
#include "controller/loop/brain.h"
#include "controller/loop/letter.h"
#include "controller/loop/needs.h"
#include "core/base/snapshot.h"

namespace panshi::controller {

struct LoopView {
  nlohmann::json world = nlohmann::json::object();  // World::view
  std::int64_t journal_seq = 0;
};

class Loop {
 public:
  struct Options {
    Duration late_bound = std::chrono::milliseconds(250);
    std::vector<std::string> nodes;
    std::string version;
    std::int64_t epoch_above = 0;  // see Restarted
    std::int64_t ids_above = 0;
  };
  struct Parts {
    Brain& brain;
    Journal& journal;
    Feed& feed;
    const Clock& clock;
    std::function<void(const Effect&)> carry_out;  // must not block
  };
  Loop(Options options, Parts parts);

  // Replays the journal into the brain.
  Status recover();
  const AnchoredClock& clock() const { return *clock_; }  // REQUIRES: recover(); any thread

  // Until stop(). An error is the journal's: stop acting, leave the faults to their leases.
  Status run();
  void stop();  // any thread

  // Orderly end: carries out `last` (each journaled, each with an outcome), waits for their
  // outcomes until `patience` is over, refuses commands, and tells the brain Stopping.
  Status finish(const std::vector<Effect>& last, Duration patience);

  LetterBox& letters() { return letters_; }
  // The newest, which has all events that the feed has told of; made when somebody asks, since it
  // holds all that there is. Blocks for limits::kViewWait at most: then it is the one before.
  std::shared_ptr<const LoopView> view();
  const NeedsBoard& needs() const { return needs_; }

  // The parts of run(), for tests without a thread: what comes first, then one turn of the loop,
  // which was asked to wake at `asked` at the latest.
  Status begin();
  Status turn(std::vector<Letter> letters, MonoTime asked);
  MonoTime next_wake() const;

 private:
  // What a turn has gathered, acted on only once it is durable.
  struct Gathered {
    std::vector<Event> events;
    std::vector<Effect> effects;
    std::vector<std::pair<std::shared_ptr<Reply>, Result<nlohmann::json>>> answers;
  };
  void gather(Letter letter, Gathered& gathered);
  void gather(const Input& input, Gathered& gathered);
  Status act_on(Gathered gathered);
  Status append(std::vector<Event> events);
  Status fold(std::vector<Event> events);  // events of our own, not from a step
  Duration calendar_ahead() const { return parts_.clock.wall() - clock_->now(); }
  void publish(bool news);
  void publish_view();

  const Options options_;
  const Parts parts_;
  LetterBox letters_;
  Snapshot<LoopView> view_{LoopView{}};
  std::atomic<bool> view_wanted_{false};
  std::mutex view_mutex_;  // of who waits for the next
  std::condition_variable view_made_;
  NeedsBoard needs_{Needs{}};
  std::atomic<bool> stopping_{false};

  std::optional<AnchoredClock> clock_;
  std::map<std::string, AgentCursor> new_cursors_;                  // not durable yet
  std::shared_ptr<const NeedsOfNodes> nodes_need_ = Needs{}.nodes;  // after the last event
  std::vector<std::string> nodes_;                                  // of the catalog at present
  Duration last_turn_{};                                            // how long it took
  Duration calendar_ahead_{};                                       // as the brain was told
  MonoTime viewed_at_{};
};

}  // namespace panshi::controller
