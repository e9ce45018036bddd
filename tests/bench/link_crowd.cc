// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/link_crowd.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>

#include "core/io/descriptor_limit.h"
#include "tests/bench/part.h"
#include "tests/integration/agents/links/sockets.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
using test::connect_to;
using test::Socket;

constexpr int kCrowd = 20'000;
constexpr std::size_t kOtherDescriptors = 500;
constexpr int kDelayed = 1'000;
constexpr int kChunks = 5;
constexpr const char* kAddress = "127.103.0.4";  // of the server: its ports are its own

std::int64_t now_ns() { return Steady::now().time_since_epoch().count(); }

// One thread for all its connections; `on_bytes` gets what each sends.
class CrowdServer {
 public:
  using OnBytes = std::function<void(int fd, const char* bytes, std::size_t size)>;
  explicit CrowdServer(OnBytes on_bytes) : on_bytes_(std::move(on_bytes)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, kAddress, &address.sin_addr);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(listener_, 4096);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    address_ = cat(kAddress, ":", ntohs(address.sin_port));
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(listener_);
    thread_ = std::thread([this] {
      while (!stopping_) round();
    });
  }
  ~CrowdServer() {
    stopping_ = true;
    thread_.join();
    for (const int fd : clients_) ::close(fd);
    ::close(listener_);
    ::close(epoll_);
  }
  const std::string& address() const { return address_; }
  std::size_t clients() const { return accepted_; }

 private:
  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  void round() {
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(epoll_, events.data(), 256, 50);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener_) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0) continue;
        clients_.push_back(client);
        ++accepted_;
        watch(client);
        continue;
      }
      std::array<char, 4096> bytes;
      const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
      if (got > 0) on_bytes_(fd, bytes.data(), static_cast<std::size_t>(got));
      if (got == 0) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    }
  }

  OnBytes on_bytes_;
  std::string address_;
  int listener_ = -1;
  int epoll_ = -1;
  std::vector<int> clients_;
  std::atomic<std::size_t> accepted_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

double percentile(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

// How long each chunk took, in ms; empty when one was lost.
std::vector<double> one_way_times(agent::LinkTable& table, const agent::Toxic& toxic) {
  std::vector<double> took;
  std::atomic<int> arrived = 0;
  CrowdServer sink([&](int, const char* bytes, std::size_t size) {
    const std::int64_t now = now_ns();
    for (std::size_t at = 0; at + 8 <= size; at += 8) {
      std::int64_t sent = 0;
      std::memcpy(&sent, bytes + at, sizeof sent);
      took.push_back(static_cast<double>(now - sent) / 1e6);
      ++arrived;
    }
  });
  (void)table.open({.name = "delayed",
                    .listen = cat(test::kHost, ":0"),
                    .upstreams = {{"a", sink.address()}},
                    .seed = 11});
  (void)table.add_toxic("delayed", "t", toxic);
  std::vector<Socket> clients;
  for (int i = 0; i < kDelayed; ++i) clients.push_back(connect_to(*table.port("delayed")));
  for (int i = 0; i < kChunks; ++i) {
    for (const Socket& client : clients) {
      const std::int64_t now = now_ns();
      (void)client.send(std::string_view(reinterpret_cast<const char*>(&now), sizeof now));
      std::this_thread::sleep_for(400us);  // evenly over time, longer than a delay between two
    }
  }
  for (int i = 0; i < 500 && arrived < kDelayed * kChunks; ++i) std::this_thread::sleep_for(10ms);
  const bool whole = arrived == kDelayed * kChunks;
  (void)table.close("delayed");
  return whole ? took : std::vector<double>();
}

}  // namespace

int be_crowd(int size) {
  if (!raise_descriptor_limit(2 * static_cast<std::size_t>(size) + kOtherDescriptors)) return 1;
  CrowdServer server([](int fd, const char* bytes, std::size_t count) {
    (void)::send(fd, bytes, count, MSG_NOSIGNAL);
  });
  say_line(server.address());
  std::string line;
  if (!hear_line(line)) return 1;
  const auto port = static_cast<std::uint16_t>(std::stoi(line));
  std::vector<Socket> clients;
  for (int i = 0; i < size; ++i) clients.push_back(connect_to(port));
  // A connection is whole when its upstream has it too.
  while (server.clients() < clients.size()) std::this_thread::sleep_for(1ms);
  say_line("open");
  if (!hear_line(line)) return 1;
  int echoed = 0;
  for (const Socket& client : clients) (void)client.send("12345678");
  for (const Socket& client : clients) echoed += client.receive_exactly(8) == "12345678" ? 1 : 0;
  say_line(cat(echoed));
  (void)hear_line(line);  // until the end
  return 0;
}

int carry_links(const std::vector<std::string>& upstreams) {
  if (!raise_descriptor_limit(2 * kCrowd + kOtherDescriptors)) return 1;
  auto table = agent::LinkTable::create();
  if (!table) return 1;
  std::string ports;
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    const std::string name = cat("link-", i);
    (void)(*table)->open(
        {.name = name, .listen = cat(test::kHost, ":0"), .upstreams = {{"a", upstreams[i]}}});
    ports += cat(i == 0 ? "" : " ", *(*table)->port(name));
  }
  say_line(ports);
  std::string line;
  while (hear_line(line)) {
  }
  return 0;
}

namespace {

// One process carries a share of the connections, another one is both of their ends.
struct Lane {
  explicit Lane(int its_size)
      : size(its_size), ends({"crowd", cat(size)}), link({"carry", ends.hear()}) {
    port = link.hear();
    memory_before = resident_kib(link.pid());
  }
  double memory_each() const { return (resident_kib(link.pid()) - memory_before) / size; }

  int size;
  Part ends;
  Part link;
  std::string port;
  double memory_before = 0;
};

}  // namespace

void bench_crowd() {
  const auto limit = raise_descriptor_limit(2 * kCrowd + kOtherDescriptors);
  if (!limit) return;
  const int most = static_cast<int>((*limit - kOtherDescriptors) / 2);  // of one process
  const int count = (kCrowd + most - 1) / most;
  std::vector<std::unique_ptr<Lane>> lanes;
  for (int i = 0; i < count; ++i) {
    lanes.push_back(std::make_unique<Lane>((kCrowd + count - 1) / count));
  }
  const auto start = Steady::now();
  for (const auto& lane : lanes) lane->ends.tell(lane->port);
  int open = 0;
  for (const auto& lane : lanes) open += lane->ends.hear() == "open" ? lane->size : 0;
  const double seconds = std::chrono::duration<double>(Steady::now() - start).count();
  double cpu_before = 0;
  for (const auto& lane : lanes) cpu_before += cpu_us(lane->link.pid());
  std::this_thread::sleep_for(2s);
  double idle_us = -cpu_before;
  for (const auto& lane : lanes) idle_us += cpu_us(lane->link.pid());
  for (const auto& lane : lanes) lane->ends.tell("echo");
  int echoed = 0;
  for (const auto& lane : lanes) echoed += std::atoi(lane->ends.hear().c_str());
  std::printf(
      "%d connections at once, carried by %d process%s (one may have %zu descriptors here, two a "
      "connection): open after %.1f s, %.1f KiB each, %.2f %% of a core idle; then %d carried a "
      "message both ways  goal: all of 20,000  %s\n",
      open, count, count == 1 ? "" : "es", *limit, seconds, lanes.front()->memory_each(),
      std::max(0.0, idle_us / 2e6 * 100), echoed, echoed >= kCrowd ? "met" : "missed");
}

void bench_delayed_crowd(agent::LinkTable& table) {
  agent::Toxic toxic{.kind = agent::Toxic::Kind::kDelay,
                     .delay = 100ms,
                     .direction = agent::Toxic::Direction::kUpstream};
  auto exact = one_way_times(table, toxic);
  toxic.jitter = 50ms;
  auto spread = one_way_times(table, toxic);
  if (exact.empty() || spread.empty()) {
    std::printf("link.delay on %d connections FAILED: not every chunk arrived\n", kDelayed);
    return;
  }
  const double p50 = percentile(exact, 0.5) - 100;
  const double p99 = percentile(exact, 0.99) - 100;
  std::printf(
      "link.delay on %d connections: error p50 %.2f ms, p99 %.2f ms  goal: <= 0.2 and 1 ms  "
      "%s\n",
      kDelayed, p50, p99, p50 <= 0.2 && p99 <= 1 ? "met" : "missed");
  // Kolmogorov and Smirnov: the largest distance of the distribution found from the even one.
  std::sort(spread.begin(), spread.end());
  const auto n = static_cast<double>(spread.size());
  double distance = 0;
  for (std::size_t i = 0; i < spread.size(); ++i) {
    const double even = std::clamp((spread[i] - p50 - 50) / 100, 0.0, 1.0);
    const auto at = static_cast<double>(i);
    distance = std::max({distance, std::abs(even - at / n), std::abs(even - (at + 1) / n)});
  }
  const double bound = 1.63 / std::sqrt(n);  // of a level of 1 %
  std::printf(
      "jitter of 100 ± 50 ms, %zu chunks: Kolmogorov-Smirnov distance from even %.4f  "
      "goal: <= %.4f  %s\n",
      spread.size(), distance, bound, distance <= bound ? "met" : "missed");
}

}  // namespace panshi
