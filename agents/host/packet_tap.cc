// SPDX-License-Identifier: Apache-2.0
#include "agents/host/packet_tap.h"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr std::uint16_t kType = 0x88b5;
constexpr std::size_t kSizeMin = 60;
constexpr std::size_t kSizeMax = 1'500;
constexpr std::int64_t kHeader = 14;
constexpr int kBuffer = 8 << 20;
constexpr auto kBetweenLooks = std::chrono::milliseconds(20);  // whether it is still wanted
constexpr auto kLongest = std::chrono::seconds(10);

struct Socket {
  explicit Socket(int number) : fd(number) {}
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  const int fd;
};

tl::unexpected<Error> failed(const std::string& what) {
  const bool refused = errno == EPERM || errno == EACCES;
  return fail(refused ? ErrorCode::kRefused : ErrorCode::kUnavailable,
              cat(what, ": ", std::strerror(errno)));
}

// Only what goes out, and but for `everybody` only of ours: nothing is copied of what a busy
// interface sends. Classic BPF, as in socket(7), with the ancillary data of linux/filter.h.
bool only_outgoing(int fd, bool everybody) {
  const __u8 to_the_end = everybody ? 0 : 3;  // instructions to pass over
  std::array<sock_filter, 6> code = {{
      {BPF_LD | BPF_H | BPF_ABS, 0, 0, static_cast<__u32>(SKF_AD_OFF + SKF_AD_PROTOCOL)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, to_the_end, kType},
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, static_cast<__u32>(SKF_AD_OFF + SKF_AD_PKTTYPE)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, PACKET_OUTGOING},
      {BPF_RET | BPF_K, 0, 0, 0xffff},
      {BPF_RET | BPF_K, 0, 0, 0},
  }};
  const sock_fprog program = {code.size(), code.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

class Tap {
 public:
  explicit Tap(const TapPlan& plan)
      : plan_(plan),
        tap_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
        sender_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
        nonce_(static_cast<std::uint16_t>(std::random_device()())),
        sent_at_(plan.packets) {
    report_.packets.resize(plan.packets);
  }

  Status open() {
    if (tap_.fd < 0 || sender_.fd < 0) return failed("packet socket");
    index_ = ::if_nametoindex(plan_.interface.c_str());
    if (index_ == 0) return fail(ErrorCode::kNotFound, "no interface " + plan_.interface);
    const int on = 1;
    // Root may have more than the system's limit; if not, what does not fit counts as lost.
    if (::setsockopt(tap_.fd, SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer) != 0) {
      (void)::setsockopt(tap_.fd, SOL_SOCKET, SO_RCVBUF, &kBuffer, sizeof kBuffer);
    }
    if (!only_outgoing(tap_.fd, plan_.everybody) ||
        ::setsockopt(tap_.fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) {
      return failed("packet socket");
    }
    const sockaddr_ll all = address(ETH_P_ALL);
    if (::bind(tap_.fd, reinterpret_cast<const sockaddr*>(&all), sizeof all) != 0) {
      return failed("bind to " + plan_.interface);
    }
    to_ = address(kType);
    to_.sll_halen = ETH_ALEN;
    ifreq request{};
    plan_.interface.copy(request.ifr_name, IFNAMSIZ - 1);
    if (::ioctl(sender_.fd, SIOCGIFHWADDR, &request) == 0) {
      std::memcpy(to_.sll_addr, request.ifr_hwaddr.sa_data, ETH_ALEN);
    }
    return {};
  }

  bool stopped() const { return plan_.stop != nullptr && *plan_.stop; }

  TapReport run() {
    const auto began = std::chrono::steady_clock::now();
    const auto end =
        began + std::min<Duration>(plan_.packets * plan_.spacing + plan_.patience, kLongest);
    for (std::size_t i = 0; i < plan_.packets && !stopped(); ++i) {
      const auto due = began + i * plan_.spacing;
      while (std::chrono::steady_clock::now() < due) look_until(due);
      send(i);
      look();
    }
    while (missing() && !stopped() && std::chrono::steady_clock::now() < end) {
      look_until(std::min(end, std::chrono::steady_clock::now() + kBetweenLooks));
    }
    return std::move(report_);
  }

 private:
  sockaddr_ll address(std::uint16_t protocol) const {
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(protocol);
    where.sll_ifindex = static_cast<int>(index_);
    return where;
  }

  // Every word says whose packet it is and which, so that one that is damaged is still known.
  void send(std::size_t number) {
    std::array<std::uint32_t, kSizeMax / 4> words;
    words.fill(std::uint32_t{nonce_} << 16 | static_cast<std::uint32_t>(number));
    sent_at_[number] = SystemClock().wall();
    // Not taken (the queue is full): it is lost, as anybody's would be.
    (void)::sendto(sender_.fd, words.data(), plan_.size, 0, reinterpret_cast<const sockaddr*>(&to_),
                   sizeof to_);
  }

  void look_until(std::chrono::steady_clock::time_point until) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(
        until - std::chrono::steady_clock::now());
    const timespec wait = {left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    pollfd ready{.fd = tap_.fd, .events = POLLIN, .revents = 0};
    if (left.count() > 0 && ::ppoll(&ready, 1, &wait, nullptr) > 0) look();
  }

  void look() {
    for (;;) {
      std::array<std::uint32_t, kSizeMax / 4> words;
      alignas(cmsghdr) std::array<char, 256> control;
      iovec part{words.data(), sizeof words};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      const ssize_t size = ::recvmsg(tap_.fd, &message, MSG_TRUNC);
      if (size < 0) return;
      const WallTime at = time_of(message);
      report_.sent.push_back({at, size + kHeader});
      if (static_cast<std::size_t>(size) == plan_.size) recognize(words.data(), at);
    }
  }

  static WallTime time_of(msghdr& message) {
    for (cmsghdr* each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
      if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPNS) continue;
      timespec at{};
      std::memcpy(&at, CMSG_DATA(each), sizeof at);
      return WallTime(Duration(at.tv_sec * 1'000'000 + at.tv_nsec / 1'000));
    }
    return SystemClock().wall();
  }

  // What most words say. One damaged bit hits one word.
  void recognize(const std::uint32_t* words, WallTime at) {
    const std::size_t count = plan_.size / 4;
    const std::uint32_t word = words[0] == words[1] || words[0] == words[2] ? words[0] : words[1];
    const std::size_t number = word & 0xffff;
    if (word >> 16 != nonce_ || number >= report_.packets.size()) return;
    TappedPacket& packet = report_.packets[number];
    if (packet.times++ == 0) {
      ++seen_;
      packet.delay = std::max(Duration(0), Duration(at - sent_at_[number]));
    }
    packet.damaged = packet.damaged ||
                     !std::all_of(words, words + count, [&](auto each) { return each == word; });
  }

  bool missing() const { return seen_ < report_.packets.size(); }

  const TapPlan plan_;
  const Socket tap_;
  const Socket sender_;
  const std::uint16_t nonce_;
  unsigned index_ = 0;
  sockaddr_ll to_{};
  std::vector<WallTime> sent_at_;
  std::size_t seen_ = 0;
  TapReport report_;
};

double milliseconds(Duration duration) { return static_cast<double>(duration.count()) / 1'000; }

}  // namespace

Result<TapReport> tap(const TapPlan& plan) {
  TapPlan fitting = plan;
  fitting.packets = std::clamp<std::size_t>(plan.packets, 1, 1 << 16);
  fitting.size = std::clamp(plan.size, kSizeMin, kSizeMax) / 4 * 4;
  Tap made(fitting);
  if (auto open = made.open(); !open) return tl::unexpected<Error>(open.error());
  TapReport report = made.run();
  if (made.stopped()) return fail(ErrorCode::kRefused, "it was stopped before it was seen");
  return report;
}

double mean_delay_ms(const TapReport& report) {
  double sum = 0;
  double seen = 0;
  for (const TappedPacket& packet : report.packets) {
    if (packet.times == 0) continue;
    sum += milliseconds(packet.delay);
    seen += 1;
  }
  return seen == 0 ? 0 : sum / seen;
}

double half_range_ms(const TapReport& report) {
  Duration least = Duration::max();
  Duration most{0};
  for (const TappedPacket& packet : report.packets) {
    if (packet.times == 0) continue;
    least = std::min(least, packet.delay);
    most = std::max(most, packet.delay);
  }
  return most < least ? 0 : milliseconds(most - least) / 2;
}

double percent_of(const TapReport& report, bool (*is_meant)(const TappedPacket&)) {
  const auto count = std::count_if(report.packets.begin(), report.packets.end(), is_meant);
  return report.packets.empty()
             ? 0
             : 100 * static_cast<double>(count) / static_cast<double>(report.packets.size());
}

double rate_after(const TapReport& report, std::int64_t skipped) {
  std::int64_t gone = 0;
  std::int64_t counted = 0;
  WallTime since{};
  for (const TapSample& sample : report.sent) {
    if (gone >= skipped && since != WallTime{}) counted += sample.bytes;
    gone += sample.bytes;
    if (gone >= skipped && since == WallTime{}) since = sample.at;
  }
  if (counted == 0) return 0;
  const double seconds = static_cast<double>((report.sent.back().at - since).count()) / 1e6;
  return seconds <= 0 ? 0 : static_cast<double>(counted) / seconds;
}

}  // namespace panshi::agent
