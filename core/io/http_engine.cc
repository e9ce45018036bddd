// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_engine.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/io/log.h"

#ifdef __SANITIZE_THREAD__
// A connection goes through the kernel from the thread that armed it to the one that gets its event
// and may close it. The sanitizer does not see that an event comes after its arming.
extern "C" const char* __tsan_default_suppressions() { return "race:panshi::HttpEngine::drop\n"; }
#endif

namespace panshi {
namespace {

constexpr std::size_t kScratchBytes = 64 << 10;
constexpr Duration kSweepEveryMax = std::chrono::seconds(1);
constexpr Duration kSweepEveryMin = std::chrono::milliseconds(5);
constexpr Duration kFinishWithin = std::chrono::seconds(1);

// Half of the descriptors that the process may have are for what its handlers need.
std::size_t affordable(std::size_t connections) {
  rlimit files = {};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return connections;
  return std::min<std::size_t>(connections, std::max<rlim_t>(1, files.rlim_cur / 2));
}

int milliseconds_until(MonoTime moment) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(moment - mono_now()).count();
  return static_cast<int>(std::max<std::int64_t>(0, left));
}

}  // namespace

HttpEngine::Fd::~Fd() {
  if (fd >= 0) ::close(fd);
}

HttpEngine::HttpEngine(const HttpServer::Options& options, const HttpGuard& guard, Handle handle)
    : options_(options),
      rules_{options, guard, std::move(handle), stopping_},
      threads_wanted_(std::max(1U, options.threads)),
      connections_max_(affordable(options.connections_max)) {}

HttpEngine::~HttpEngine() { stop(); }

Status HttpEngine::start() {
  auto address = http_listen(options_.address, options_.port);
  const bool is_late = !address && address.error().code == ErrorCode::kConflict &&
                       options_.may_be_late && !options_.socket.empty();
  if (!address && !is_late) return tl::unexpected(address.error());
  if (threads_.empty()) {
    if (auto begun = begin(); !begun) {
      if (address) ::close(address->fd);
      return begun;
    }
  }
  if (is_late) return tl::unexpected(address.error());
  doors_[0].listener = *address;
  arm_listener(doors_[0], EPOLL_CTL_ADD);
  return {};
}

Status HttpEngine::begin() {
  epoll_.fd = ::epoll_create1(EPOLL_CLOEXEC);
  bell_.fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event ringing = {};
  ringing.events = EPOLLIN | EPOLLET;
  ringing.data.ptr = &bell_;
  if (epoll_.fd < 0 || bell_.fd < 0 ||
      ::epoll_ctl(epoll_.fd, EPOLL_CTL_ADD, bell_.fd, &ringing) != 0) {
    return fail(ErrorCode::kInternal, cat("epoll: ", std::strerror(errno)));
  }
  if (!options_.socket.empty()) {
    ASSIGN_OR_RETURN(doors_[1].listener, http_listen_local(options_.socket));
  }
  arm_listener(doors_[1], EPOLL_CTL_ADD);
  for (std::size_t i = 0; i < threads_wanted_; ++i) {
    threads_.emplace_back([this, i] {
      pthread_setname_np(pthread_self(), cat("http-", i).c_str());
      work();
    });
  }
  watch_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "http-watch");
    watch();
  });
  return {};
}

void HttpEngine::stop() {
  if (stopping_.exchange(true)) return;
  if (threads_.empty()) return close_doors();  // it did not start
  // Closed below: no thread may meet a new socket of its number.
  for (const Door& door : doors_) ::shutdown(door.listener.fd, SHUT_RDWR);
  { const std::lock_guard lock(watch_mutex_); }
  watch_wanted_.notify_all();
  close_idle();
  ring();
  for (std::thread& thread : threads_) thread.join();
  watch_.join();
  finish_answers();
  connections_.clear();
  close_doors();
}

void HttpEngine::work() {
  const auto room = std::make_unique_for_overwrite<char[]>(kScratchBytes);  // resident once used
  const std::span<char> scratch(room.get(), kScratchBytes);
  while (true) {
    if (HttpConnection* const waiting = take_queued(); waiting != nullptr) {
      proceed(*waiting, Next::kServe, true);
    } else if (stopping_) {
      break;
    } else {
      take_event(scratch, true, -1);
    }
  }
  ring();  // for the next one
}

void HttpEngine::watch() {
  const auto room = std::make_unique_for_overwrite<char[]>(kScratchBytes);  // resident once used
  const std::span<char> scratch(room.get(), kScratchBytes);
  const Duration every =
      std::clamp<Duration>(std::min(options_.idle_timeout, options_.request_timeout) / 4,
                           kSweepEveryMin, kSweepEveryMax);
  MonoTime sweep_at = mono_now() + every;
  const auto is_wanted = [this] { return saturated() && has_room(); };
  while (true) {
    {
      std::unique_lock lock(watch_mutex_);
      watch_wanted_.wait_until(lock, sweep_at, [&] { return stopping_ || is_wanted(); });
    }
    if (stopping_) break;
    if (const MonoTime now = mono_now(); now >= sweep_at) {
      sweep(now);
      sweep_at = now + every;
    }
    if (is_wanted()) take_event(scratch, false, milliseconds_until(sweep_at));
  }
  ring();
}

void HttpEngine::ring() {
  const std::uint64_t one = 1;
  (void)!::write(bell_.fd, &one, sizeof one);  // full: somebody will come anyway
}

bool HttpEngine::has_room() {
  const std::lock_guard lock(queue_mutex_);
  return queue_.size() < kQueueMax;
}

void HttpEngine::take_event(std::span<char> scratch, bool may_serve, int timeout_ms) {
  epoll_event event = {};
  if (::epoll_wait(epoll_.fd, &event, 1, timeout_ms) != 1 || event.data.ptr == &bell_) return;
  for (Door& door : doors_) {
    if (event.data.ptr == &door) return accept_some(door, scratch, may_serve);
  }
  auto& connection = *static_cast<HttpConnection*>(event.data.ptr);
  if (!connection.claim()) return drop(connection);
  proceed(connection, connection.on_ready(scratch), may_serve);
}

void HttpEngine::refuse(std::string what, std::string path, Transport::Refusal refused) const {
  if (!options_.doorman) return;
  HttpRequest head;
  head.method = std::move(what);
  head.path = std::move(path);
  head.remote_address = std::move(refused.from);
  head.caller.who = std::move(refused.who);
  options_.doorman->on_refused(head, http_refusal(403, ErrorCode::kRefused, refused.why));
}

// One thread has the listener at a time: each that is woken for it takes several.
void HttpEngine::accept_some(Door& door, std::span<char> scratch, bool may_serve) {
  constexpr std::array kPassing = {EAGAIN, ECONNABORTED, EINTR, EPERM};
  std::array<HttpConnection*, kAcceptedAtOnce> fresh = {};
  std::size_t count = 0;
  while (count < fresh.size() && !stopping_) {
    HttpAccepted accepted = http_accept(door.listener);
    const int problem = errno;
    if (accepted.fd >= 0) {
      fresh.at(count++) = take_in(std::move(accepted));
      continue;
    }
    if (std::find(kPassing.begin(), kPassing.end(), problem) == kPassing.end()) {
      log_error(cat("accept on port ", port(), ", trying again: ", std::strerror(problem)));
      door.accept_later = true;
    }
    if (problem == EPERM && accepted.peer.uid) {
      refuse("OPEN", options_.socket.filename().string(),
             {cat("uid ", *accepted.peer.uid), accepted.peer.address,
              "only root and the user who runs this may"});
    }
    break;
  }
  // Before the work: another thread takes the next ones meanwhile.
  if (!door.accept_later && !stopping_) arm_listener(door, EPOLL_CTL_MOD);
  // A request is often there at once. None waits behind the handler of another.
  for (std::size_t i = 0; i < count; ++i) {
    HttpConnection& connection = *fresh.at(i);
    proceed(connection, connection.on_ready(scratch), may_serve && i + 1 == count);
  }
}

HttpConnection* HttpEngine::take_in(HttpAccepted accepted) {
  const bool over_tls = options_.tls && !accepted.peer.uid;
  auto transport = over_tls ? options_.tls->accept(accepted.fd) : plain_transport(accepted.fd);
  const auto& proxies = options_.proxies;
  if (!over_tls &&
      std::find(proxies.begin(), proxies.end(), accepted.peer.address) != proxies.end()) {
    transport = proxied_transport(std::move(transport));
  }
  accepted.peer.transport = transport.get();
  auto reader = options_.reader(rules_, std::move(accepted.peer));
  auto made = std::make_unique<HttpConnection>(accepted.fd, std::move(transport), std::move(reader),
                                               options_);
  HttpConnection* const connection = made.get();
  const std::lock_guard lock(connections_mutex_);
  if (connections_.size() - evicted_.size() >= connections_max_) make_room();
  connections_[accepted.fd] = std::move(made);
  return connection;
}

// REQUIRES: connections_mutex_. Those at work are left alone; threads and queue bound them. Several
// at once: to look for one among thousands at each of ten thousand connections a second would take
// more than all the rest.
void HttpEngine::make_room() {
  std::vector<std::pair<MonoTime, HttpConnection*>> waiting;
  waiting.reserve(connections_.size());
  for (const auto& [fd, connection] : connections_) {
    if (const auto since = connection->waiting()) waiting.emplace_back(*since, connection.get());
  }
  const std::size_t wanted = std::max<std::size_t>(1, connections_max_ / kEvictedShare);
  const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, waiting.size()));
  std::nth_element(waiting.begin(), end, waiting.end());
  for (auto each = waiting.begin(); each != end; ++each) {
    if (each->second->close_if_waiting()) evicted_.insert(each->second->fd());
  }
}

void HttpEngine::proceed(HttpConnection& connection, Next next, bool may_serve) {
  while (next == Next::kServe) {
    if (!may_serve) return queue(connection);
    next = serve(connection);
  }
  if (next == Next::kClose) return drop(connection);
  arm(connection, next);
}

HttpEngine::Next HttpEngine::serve(HttpConnection& connection) {
  if (++busy_ >= threads_wanted_) {
    { const std::lock_guard lock(watch_mutex_); }
    watch_wanted_.notify_one();
  }
  const Next next = connection.serve();
  --busy_;
  return next;
}

void HttpEngine::queue(HttpConnection& connection) {
  {
    const std::lock_guard lock(queue_mutex_);
    queue_.push_back(&connection);
  }
  if (!saturated()) ring();
}

HttpConnection* HttpEngine::take_queued() {
  HttpConnection* first = nullptr;
  bool was_full = false;
  bool more = false;
  {
    const std::lock_guard lock(queue_mutex_);
    if (queue_.empty()) return nullptr;
    was_full = queue_.size() >= kQueueMax;
    first = queue_.front();
    queue_.pop_front();
    more = !queue_.empty();
  }
  if (was_full) {
    { const std::lock_guard lock(watch_mutex_); }
    watch_wanted_.notify_one();
  }
  if (more && !saturated()) ring();
  return first;
}

void HttpEngine::arm(HttpConnection& connection, Next next) {
  epoll_event wanted = {};
  wanted.events = (next == Next::kWrite ? EPOLLOUT : EPOLLIN) | EPOLLONESHOT;
  wanted.data.ptr = &connection;
  const int fd = connection.fd();
  const int operation = connection.is_first_wait() ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  connection.await();
  CHECK_BUG(::epoll_ctl(epoll_.fd, operation, fd, &wanted) == 0);  // from here it is another's
}

void HttpEngine::arm_listener(Door& door, int operation) {
  if (door.listener.fd < 0) return;
  epoll_event wanted = {};
  wanted.events = EPOLLIN | EPOLLONESHOT;
  wanted.data.ptr = &door;
  CHECK_BUG(::epoll_ctl(epoll_.fd, operation, door.listener.fd, &wanted) == 0);
}

void HttpEngine::close_doors() {
  if (doors_[1].listener.fd >= 0) ::unlink(options_.socket.c_str());
  for (Door& door : doors_) {
    if (door.listener.fd >= 0) ::close(std::exchange(door.listener.fd, -1));
  }
}

void HttpEngine::drop(HttpConnection& connection) {
  if (auto refused = connection.refusal(); !refused.why.empty()) {
    refuse("SHAKE HANDS", "", std::move(refused));
  }
  std::unique_ptr<HttpConnection> dead;
  const std::lock_guard lock(connections_mutex_);
  // Out of the table before the descriptor may be another's.
  dead = std::move(connections_.extract(connection.fd()).mapped());
  evicted_.erase(connection.fd());
}

void HttpEngine::sweep(MonoTime now) {
  if (options_.tls) options_.tls->look_after();
  for (Door& door : doors_) {
    if (door.accept_later.exchange(false)) arm_listener(door, EPOLL_CTL_MOD);
  }
  const std::lock_guard lock(connections_mutex_);
  for (const auto& [fd, connection] : connections_) (void)connection->expire(now);
}

void HttpEngine::close_idle() {
  const std::lock_guard lock(connections_mutex_);
  for (const auto& [fd, connection] : connections_) {
    if (!connection->is_sending()) (void)connection->close_if_waiting();
  }
}

// What did not fit into the socket, once no other thread is left.
void HttpEngine::finish_answers() {
  const MonoTime give_up = mono_now() + kFinishWithin;
  for (const auto& [fd, connection] : connections_) {
    Next next = connection->is_sending() ? Next::kWrite : Next::kClose;
    while (next == Next::kWrite && mono_now() < give_up) {
      pollfd writable = {fd, POLLOUT, 0};
      if (::poll(&writable, 1, milliseconds_until(give_up)) != 1) break;
      next = connection->on_ready({});
    }
  }
}

}  // namespace panshi
