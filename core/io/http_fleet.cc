// SPDX-License-Identifier: Apache-2.0
// HttpFleet on libcurl's socket interface: epoll says which connections have something, and only
// those are looked at. curl_multi_perform() would look at every call under way each time one of
// them moves: with twelve long polls that was ten system calls for each answer.
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/http_transfer.h"

namespace panshi {
namespace {

constexpr int kEventsAtOnce = 64;
constexpr std::chrono::milliseconds kWaitMax = std::chrono::seconds(60);

std::uint32_t events_of(int curl_poll) {
  std::uint32_t events = 0;
  if (curl_poll == CURL_POLL_IN || curl_poll == CURL_POLL_INOUT) events |= EPOLLIN;
  if (curl_poll == CURL_POLL_OUT || curl_poll == CURL_POLL_INOUT) events |= EPOLLOUT;
  return events;
}

int selected_of(std::uint32_t events) {
  int selected = 0;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) != 0) selected |= CURL_CSELECT_IN;
  if ((events & EPOLLOUT) != 0) selected |= CURL_CSELECT_OUT;
  if ((events & EPOLLERR) != 0) selected |= CURL_CSELECT_ERR;
  return selected;
}

}  // namespace

struct HttpFleet::Impl {
  struct Waiting {
    HttpCall call;
    Done done;
  };
  struct UnderWay {
    std::unique_ptr<HttpTransfer> transfer;
    Done done;
  };

  explicit Impl(Options given);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void start(HttpCall call, Done done);
  void ring();
  void stop();
  void work();
  void wait(MonoTime next);
  bool do_what_is_due();
  void act_on(const epoll_event& event);
  void refuse_overflow();
  bool begin_waiting();  // true: `done` was called, as by the next
  bool finish_ended();
  void cancel_all();
  std::chrono::milliseconds until(MonoTime next) const;
  // What libcurl calls, on our thread: watch `socket` from now on, or no more; come again in so
  // many ms, -1 not at all.
  static int watch(CURL*, curl_socket_t socket, int what, void* user, void* known);
  static int set_timer(CURLM*, long after_ms, void* user);

  const Options options;
  CURLM* const multi;
  const int epoll;
  const int bell;  // rung by start() and at the end
  std::mutex mutex;
  bool ending = false;  // under mutex, as the next three
  std::thread::id worker;
  std::deque<Waiting> waiting;
  std::vector<Done> overflow;  // `done` belongs on our thread, also for what was refused
  std::unordered_map<CURL*, UnderWay> under_way;  // thread `fleet` alone, as the next
  std::vector<std::unique_ptr<HttpTransfer>> idle;
  std::optional<MonoTime> due;  // when libcurl wants to be called for a time that is over
  const SystemClock clock;
  std::thread thread;
};

HttpFleet::Impl::Impl(Options given)
    : options(std::move(given)),
      multi(curl_multi_init()),
      epoll(::epoll_create1(EPOLL_CLOEXEC)),
      bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK_BUG(multi != nullptr);
  epoll_event ringing = {};
  ringing.events = EPOLLIN;
  ringing.data.fd = bell;
  // Without descriptors at its start a program cannot go on.
  CHECK_BUG(epoll >= 0 && bell >= 0 && ::epoll_ctl(epoll, EPOLL_CTL_ADD, bell, &ringing) == 0);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.connections_max));
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Impl::watch);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Impl::set_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  thread = std::thread([this] {
    pthread_setname_np(pthread_self(), "fleet");
    work();
  });
}

HttpFleet::Impl::~Impl() {
  stop();
  idle.clear();
  curl_multi_cleanup(multi);  // may still say which sockets it closes
  ::close(bell);
  ::close(epoll);
}

int HttpFleet::Impl::watch(CURL*, curl_socket_t socket, int what, void* user, void* known) {
  auto& self = *static_cast<Impl*>(user);
  if (what == CURL_POLL_REMOVE) {
    (void)::epoll_ctl(self.epoll, EPOLL_CTL_DEL, socket, nullptr);  // perhaps closed already
    curl_multi_assign(self.multi, socket, nullptr);
    return 0;
  }
  epoll_event wanted = {};
  wanted.events = events_of(what);
  wanted.data.fd = socket;
  const int verb = known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  CHECK_BUG(::epoll_ctl(self.epoll, verb, socket, &wanted) == 0);
  curl_multi_assign(self.multi, socket, &self);  // known from now on
  return 0;
}

int HttpFleet::Impl::set_timer(CURLM*, long after_ms, void* user) {
  auto& self = *static_cast<Impl*>(user);
  self.due.reset();
  if (after_ms >= 0) self.due = self.clock.mono() + std::chrono::milliseconds(after_ms);
  return 0;
}

void HttpFleet::Impl::ring() {
  const std::uint64_t one = 1;
  (void)!::write(bell, &one, sizeof one);  // full: it rings already
}

void HttpFleet::Impl::start(HttpCall call, Done done) {
  {
    const std::lock_guard lock(mutex);
    if (ending) return;
    const bool is_known = !waiting.empty() || !overflow.empty();
    if (waiting.size() >= options.waiting_max) {
      overflow.push_back(std::move(done));
    } else {
      waiting.push_back({std::move(call), std::move(done)});
    }
    if (is_known || worker == std::this_thread::get_id()) return;
  }
  ring();
}

void HttpFleet::Impl::stop() {
  {
    const std::lock_guard lock(mutex);
    ending = true;
  }
  ring();
  if (thread.joinable()) thread.join();
}

void HttpFleet::Impl::work() {
  {
    const std::lock_guard lock(mutex);
    worker = std::this_thread::get_id();
  }
  while (true) {
    refuse_overflow();
    const MonoTime next = options.turn ? options.turn() : MonoTime::max();
    const bool refused = begin_waiting();
    const bool ended = do_what_is_due() && finish_ended();
    {
      const std::lock_guard lock(mutex);
      if (ending) break;
      const bool more = !waiting.empty() && under_way.size() < options.in_flight_max;
      if (more || !overflow.empty() || refused || ended) continue;
    }
    wait(next);
    finish_ended();
  }
  cancel_all();
}

std::chrono::milliseconds HttpFleet::Impl::until(MonoTime next) const {
  next = std::min(next, due.value_or(next));
  if (next == MonoTime::max()) return kWaitMax;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - clock.mono());
  return std::clamp(left, std::chrono::milliseconds(0), kWaitMax);
}

bool HttpFleet::Impl::do_what_is_due() {
  if (!due || *due > clock.mono()) return false;
  due.reset();
  int running = 0;
  curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
  return true;
}

void HttpFleet::Impl::wait(MonoTime next) {
  std::array<epoll_event, kEventsAtOnce> events;
  const int count =
      ::epoll_wait(epoll, events.data(), kEventsAtOnce, static_cast<int>(until(next).count()));
  for (int i = 0; i < count; ++i) act_on(events.at(static_cast<std::size_t>(i)));
  (void)do_what_is_due();
}

void HttpFleet::Impl::act_on(const epoll_event& event) {
  if (event.data.fd == bell) {
    std::uint64_t rung = 0;
    (void)!::read(bell, &rung, sizeof rung);
    return;
  }
  int running = 0;
  curl_multi_socket_action(multi, event.data.fd, selected_of(event.events), &running);
}

void HttpFleet::Impl::refuse_overflow() {
  std::vector<Done> refused;
  {
    const std::lock_guard lock(mutex);
    refused.swap(overflow);
  }
  for (const Done& done : refused) {
    done(fail(ErrorCode::kRefused, "too many HTTP calls are waiting"));
  }
}

bool HttpFleet::Impl::begin_waiting() {
  bool any_refused = false;
  while (under_way.size() < options.in_flight_max) {
    Waiting next;
    {
      const std::lock_guard lock(mutex);
      if (waiting.empty()) break;
      next = std::move(waiting.front());
      waiting.pop_front();
    }
    std::unique_ptr<HttpTransfer> transfer;
    if (idle.empty()) {
      transfer = std::make_unique<HttpTransfer>();
    } else {
      transfer = std::move(idle.back());
      idle.pop_back();
    }
    if (auto ready = prepare(*transfer, std::move(next.call)); !ready) {
      idle.push_back(std::move(transfer));
      next.done(tl::unexpected<Error>(std::move(ready).error()));
      any_refused = true;
      continue;
    }
    CURL* const easy = transfer->easy.get();
    CHECK_BUG(curl_multi_add_handle(multi, easy) == CURLM_OK);  // sets a timer that is due
    under_way[easy] = {std::move(transfer), std::move(next.done)};
  }
  return any_refused;
}

bool HttpFleet::Impl::finish_ended() {
  bool any = false;
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;  // `message` dies with the removal
    auto ended = std::move(under_way.extract(easy).mapped());
    curl_multi_remove_handle(multi, easy);
    auto result = finish(code, *ended.transfer);
    idle.push_back(std::move(ended.transfer));
    ended.done(std::move(result));
    any = true;
  }
  return any;
}

void HttpFleet::Impl::cancel_all() {
  for (auto& [easy, cancelled] : under_way) {
    curl_multi_remove_handle(multi, easy);
    const HttpCall& call = cancelled.transfer->call;
    cancelled.done(fail(ErrorCode::kTimeout, cat(call.method, " ", call.url, ": cancelled")));
  }
  under_way.clear();
  refuse_overflow();
  std::deque<Waiting> unsent;
  {
    const std::lock_guard lock(mutex);
    unsent.swap(waiting);
  }
  for (const Waiting& one : unsent) {
    one.done(fail(ErrorCode::kUnavailable, cat(one.call.method, " ", one.call.url, ": not sent")));
  }
}

HttpFleet::HttpFleet(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpFleet::~HttpFleet() = default;
void HttpFleet::start(HttpCall call, Done done) { impl_->start(std::move(call), std::move(done)); }
void HttpFleet::ring() { impl_->ring(); }
void HttpFleet::stop() { impl_->stop(); }

}  // namespace panshi
