// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/control_plane/flood.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>
#include <string_view>
#include <vector>

namespace panshi::bench {
namespace {

using Time = std::chrono::steady_clock;

constexpr int kQuickAtOnceMax = 4'000;
constexpr std::string_view kRequest = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
// The beginning of a record that holds a ClientHello of 512 bytes; those that follow are any.
constexpr std::string_view kGreeting = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

enum class Kind : std::uint8_t { kNone, kSlow, kPlain, kNoise, kReset, kHello };

class Attack {
 public:
  explicit Attack(const Flood::Plan& plan)
      : plan_(plan), random_(plan.seed), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    target_.sin_family = AF_INET;
    target_.sin_port = htons(plan.port);
    ::inet_pton(AF_INET, plan.address.c_str(), &target_.sin_addr);
  }

  Flood::Counts run() {
    const auto began = Time::now();
    auto next_byte = began;
    double quick_opened = 0;
    for (auto now = began; now < began + plan_.time; now = Time::now()) {
      const double due =
          plan_.quick_per_second * std::chrono::duration<double>(now - began).count();
      // What could not be opened in time is not made up for.
      quick_opened = std::max(quick_opened, due - 1'000);
      for (; quick_opened < due && quick_ < kQuickAtOnceMax; ++quick_opened) open(quick_kind());
      for (int i = 0; i < 200 && slow_ < plan_.slow; ++i) open(Kind::kSlow);
      if (now >= next_byte) {
        next_byte += std::chrono::milliseconds(100);
        trickle();
      }
      handle();
    }
    return counts_;
  }

 private:
  Kind quick_kind() {
    constexpr std::array<Kind, 4> kTurns = {Kind::kPlain, Kind::kNoise, Kind::kReset, Kind::kHello};
    const std::size_t kinds = plan_.hello.empty() ? kTurns.size() - 1 : kTurns.size();
    return kTurns[static_cast<std::size_t>(turn_++) % kinds];
  }

  void open(Kind kind) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    const int on = 1;
    const linger reset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(0x7f3e0001U + static_cast<std::uint32_t>(random_() % 250));
    (void)::bind(fd, reinterpret_cast<sockaddr*>(&source), sizeof source);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&target_), sizeof target_) != 0 &&
        errno != EINPROGRESS) {
      ++counts_.failed;
      ::close(fd);
      return;
    }
    if (static_cast<std::size_t>(fd) >= kinds_.size()) {
      kinds_.resize(static_cast<std::size_t>(fd) + 1);
      sent_.resize(kinds_.size());
    }
    kinds_[static_cast<std::size_t>(fd)] = kind;
    sent_[static_cast<std::size_t>(fd)] = 0;
    epoll_event event{.events = EPOLLOUT, .data = {.fd = fd}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    (kind == Kind::kSlow ? slow_ : quick_) += 1;
  }

  void close(int fd) {
    Kind& kind = kinds_[static_cast<std::size_t>(fd)];
    (kind == Kind::kSlow ? slow_ : quick_) -= 1;
    kind = Kind::kNone;
    ::close(fd);
  }

  void handle() {
    std::array<epoll_event, 512> events;
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      const auto what = events[static_cast<std::size_t>(i)].events;
      if ((what & EPOLLOUT) != 0 && (what & (EPOLLERR | EPOLLHUP)) == 0) {
        connected(fd);
      } else {
        const bool was = sent_[static_cast<std::size_t>(fd)] > 0;
        if (kinds_[static_cast<std::size_t>(fd)] != Kind::kSlow)
          ++(was ? counts_.quick : counts_.failed);
        close(fd);
      }
    }
  }

  void connected(int fd) {
    const Kind kind = kinds_[static_cast<std::size_t>(fd)];
    if (kind == Kind::kReset) {
      ++counts_.quick;
      return close(fd);
    }
    epoll_event event{.events = EPOLLIN | EPOLLRDHUP, .data = {.fd = fd}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
    sent_[static_cast<std::size_t>(fd)] = 1;
    if (kind == Kind::kSlow) {
      ++counts_.slow_opened;
      counts_.slow_held = std::max<long>(counts_.slow_held, slow_);
      (void)::send(fd, kGreeting.data(), 1, MSG_NOSIGNAL);
      return;
    }
    std::array<char, 64> noise;
    for (char& byte : noise) byte = static_cast<char>(random_());
    const std::string_view bytes = kind == Kind::kPlain ? kRequest
                                   : kind == Kind::kHello
                                       ? std::string_view(plan_.hello)
                                       : std::string_view(noise.data(), noise.size());
    counts_.hellos += kind == Kind::kHello ? 1 : 0;
    (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  // A tenth of the slow ones each time, so that each sends a byte a second.
  void trickle() {
    ++trickled_;
    for (std::size_t fd = trickled_ % 10; fd < kinds_.size(); fd += 10) {
      if (kinds_[fd] != Kind::kSlow || sent_[fd] == 0) continue;
      const char byte = sent_[fd] < kGreeting.size() ? kGreeting[sent_[fd]] : 'x';
      ++sent_[fd];
      (void)::send(static_cast<int>(fd), &byte, 1, MSG_NOSIGNAL);
    }
  }

  const Flood::Plan plan_;
  std::mt19937_64 random_;
  const int epoll_;
  sockaddr_in target_{};
  Flood::Counts counts_;
  std::vector<Kind> kinds_;        // by descriptor
  std::vector<std::size_t> sent_;  // bytes; 0: not connected yet
  int slow_ = 0;
  int quick_ = 0;
  long turn_ = 0;
  std::size_t trickled_ = 0;
};

}  // namespace

Flood::Flood(const Plan& plan) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  pid_ = ::fork();
  if (pid_ == 0) {
    ::close(ends[0]);
    const Counts counts = Attack(plan).run();
    (void)!::write(ends[1], &counts, sizeof counts);
    ::_exit(0);
  }
  ::close(ends[1]);
  counts_ = ends[0];
}

Flood::~Flood() { (void)wait(); }

Flood::Counts Flood::wait() {
  Counts counts;
  if (pid_ <= 0) return counts;
  (void)!::read(counts_, &counts, sizeof counts);
  ::close(counts_);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
  return counts;
}

}  // namespace panshi::bench
