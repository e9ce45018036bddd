// SPDX-License-Identifier: Apache-2.0
#include "agents/links/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

// A round, after which whoever calls is answered, has its bounds: with 300 us for each of these,
// what a connection takes that reads and writes as much as it may, less than 0.2 s.
constexpr int kEventsPerRound = 256;
constexpr int kTimersPerRound = 256;
constexpr int kOnceMorePerRound = 64;

timespec to_timespec(MonoTime time) {
  const std::int64_t us = time.time_since_epoch().count();
  return {.tv_sec = us / 1'000'000, .tv_nsec = us % 1'000'000 * 1000};
}

void drain(int fd) {  // of an eventfd or timerfd; it is non-blocking
  std::uint64_t count = 0;
  while (::read(fd, &count, sizeof count) > 0) {
  }
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  std::unique_ptr<EventLoop> loop(new EventLoop);
  loop->epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  loop->alarm_ = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  loop->doorbell_ = Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  for (const Fd* fd : {&loop->epoll_, &loop->alarm_, &loop->doorbell_}) {
    if (!*fd) return fail(ErrorCode::kInternal, errno_text("make an event loop"));
  }
  for (Fd* fd : {&loop->alarm_, &loop->doorbell_}) {  // told from watchers by the pointer
    epoll_event event{.events = EPOLLIN, .data = {.ptr = fd}};
    if (::epoll_ctl(loop->epoll_.get(), EPOLL_CTL_ADD, fd->get(), &event) != 0) {
      return fail(ErrorCode::kInternal, errno_text("epoll_ctl"));
    }
  }
  return loop;
}

Status EventLoop::watch(int fd, std::uint32_t events, Watcher& watcher) {
  epoll_event event{.events = events, .data = {.ptr = &watcher}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail(ErrorCode::kInternal, errno_text("epoll_ctl"));
  }
  return {};
}

void EventLoop::unwatch(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EventLoop::arm(Timer& timer, MonoTime due) {
  if (timer.armed_ && timer.due_ == due) return;
  disarm(timer);
  timer.due_ = due;
  timer.armed_ = true;
  timers_.emplace(due, &timer);
}

void EventLoop::disarm(Timer& timer) {
  if (!timer.armed_) return;
  timers_.erase({timer.due_, &timer});
  timer.armed_ = false;
}

bool EventLoop::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || posted_.size() >= kPostedMax) return false;
    posted_.push_back(std::move(work));
  }
  wake();
  return true;
}

void EventLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
}

void EventLoop::wake() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake anyway.
  [[maybe_unused]] const ssize_t written = ::write(doorbell_.get(), &one, sizeof one);
}

void EventLoop::run() {
  for (;;) {
    round();
    const std::lock_guard lock(mutex_);
    if (stopping_ && posted_.empty()) return;
  }
}

void EventLoop::round() {
  set_alarm();
  std::array<epoll_event, kEventsPerRound> events;
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), kEventsPerRound, once_more_.empty() ? -1 : 0);
  run_timers();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == &alarm_) {
      drain(alarm_.get());
      alarm_due_ = MonoTime::max();
    } else if (event.data.ptr == &doorbell_) {
      drain(doorbell_.get());
    } else {
      static_cast<Watcher*>(event.data.ptr)->on_events(event.events);
    }
  }
  run_once_more();
  run_posted();  // not only when the doorbell is among the events: there may be thousands before it
  for (const auto& work : std::exchange(at_end_, {})) work();
}

void EventLoop::once_more(Watcher& watcher) {
  if (std::exchange(watcher.waits_, true)) return;
  once_more_.push_back(&watcher);
}

void EventLoop::forget(Watcher& watcher) {
  if (std::exchange(watcher.waits_, false)) std::erase(once_more_, &watcher);
}

void EventLoop::run_once_more() {
  for (int i = 0; i < kOnceMorePerRound && !once_more_.empty(); ++i) {
    Watcher& watcher = *once_more_.front();
    once_more_.pop_front();
    watcher.waits_ = false;
    watcher.on_events(0);
  }
}

void EventLoop::run_posted() {
  std::vector<std::function<void()>> posted;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (const auto& work : posted) work();
}

void EventLoop::run_timers() {
  if (timers_.empty()) return;
  const MonoTime current = now();
  for (int i = 0; i < kTimersPerRound; ++i) {
    if (timers_.empty() || timers_.begin()->first > current) return;
    Timer& timer = *timers_.begin()->second;
    disarm(timer);
    timer.on_timer();
  }
}

void EventLoop::set_alarm() {
  const MonoTime due = timers_.empty() ? MonoTime::max() : timers_.begin()->first;
  // An alarm that is too early costs one empty round; only a later one must be moved.
  if (due >= alarm_due_) return;
  alarm_due_ = due;
  const itimerspec spec{.it_interval = {}, .it_value = to_timespec(due)};
  ::timerfd_settime(alarm_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

}  // namespace panshi::agent
