// SPDX-License-Identifier: Apache-2.0
// EventLoop: one thread's epoll, its timers, and what other threads ask it to do.
//
// Sockets are watched edge-triggered. Timers are kept by one timerfd, which unlike the timeout of
// epoll_wait has no slack, so they fire within tens of microseconds. Idle, it sleeps for ever.
// Everything but post() and stop() is for the loop's own thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "agents/links/socket.h"
#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_events(std::uint32_t events) = 0;  // EPOLLIN, …

 private:
  friend class EventLoop;
  bool waits_ = false;  // for its turn, see once_more()
};

class Timer {
 public:
  virtual ~Timer() = default;
  virtual void on_timer() = 0;

 private:
  friend class EventLoop;
  MonoTime due_{};
  bool armed_ = false;
};

class EventLoop {
 public:
  static constexpr std::size_t kPostedMax = 4096;

  static Result<std::unique_ptr<EventLoop>> create();

  // `watcher` must live until the end of the present round after unwatch() or the fd's close.
  Status watch(int fd, std::uint32_t events, Watcher& watcher);

  void unwatch(int fd);  // only for one that stays open

  void arm(Timer& timer, MonoTime due);  // moves it when it is armed
  void disarm(Timer& timer);             // REQUIRES: before the timer dies

  // Called once at the end of the present round.
  void at_end_of_round(std::function<void()> work) { at_end_.push_back(std::move(work)); }
  // on_events(0) in one of the next rounds, in the order of asking, once however often it is asked
  // for: so one busy socket does not starve the others, nor thousands of them whoever calls.
  void once_more(Watcher& watcher);
  void forget(Watcher& watcher);

  MonoTime now() const { return SystemClock().mono(); }

  // Any thread. False when too much is waiting; the work is then dropped.
  bool post(std::function<void()> work);
  void stop();

  void run();  // until stop()

 private:
  EventLoop() = default;
  void round();
  void run_once_more();
  void run_posted();
  void run_timers();
  void set_alarm();
  void wake();

  Fd epoll_;
  Fd alarm_;     // timerfd
  Fd doorbell_;  // eventfd
  std::set<std::pair<MonoTime, Timer*>> timers_;
  MonoTime alarm_due_ = MonoTime::max();
  std::deque<Watcher*> once_more_;
  std::vector<std::function<void()>> at_end_;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  bool stopping_ = false;
};

}  // namespace panshi::agent
