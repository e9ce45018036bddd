// SPDX-License-Identifier: Apache-2.0
// Figures: what a flood of hostile connections on the TLS port of a controller, then of an agent,
// does to others: a fault's lease, and who asks for the health page, on a connection of their own
// each time and on a kept one.
//
// Beside it the same figures before the flood. Exit 0 when every goal is met, 1 when one is missed,
// 2 when it could not be measured.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <thread>
#include <vector>

#include "core/base/text.h"
#include "core/json/fields.h"
#include "tests/bench/control_plane/flood.h"
#include "tests/bench/control_plane/site.h"
#include "tests/support/eventually.h"
#include "tests/support/loopback_listener.h"

namespace panshi::bench {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock;

constexpr int kSlow = 6'000;
constexpr int kQuick = 14'000;
constexpr std::chrono::seconds kLong{30};

struct Asked {
  std::vector<double> ms;  // sorted
  int failed = 0;
  double at(double share) const {
    if (ms.empty()) return -1;
    return ms[std::min(ms.size() - 1,
                       static_cast<std::size_t>(share * static_cast<double>(ms.size())))];
  }
};

std::uint16_t port_of(const std::string& url) {  // https://127.0.0.1:1234/…
  return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

// As the library says it to a server that only listens.
std::string client_hello() {
  const LoopbackListener listener;
  std::thread caller([&] {
    (void)HttpClient().send({.url = cat("https://127.0.0.1:", listener.port, "/"),
                             .timeout = 5s,
                             .tls = std::make_shared<const TlsFiles>()});
  });
  std::string hello(4'096, '\0');
  const int fd = listener.accept();
  const ssize_t got = ::recv(fd, hello.data(), hello.size(), 0);
  ::close(fd);
  caller.join();
  hello.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return hello;
}

// Fifty times a second.
Asked ask(const HttpCall& call, Time::time_point until) {
  HttpClient client;
  Asked asked;
  while (Time::now() < until) {
    const auto began = Time::now();
    const auto reply = client.send(call);
    if (reply && reply->status == 200) {
      asked.ms.push_back(std::chrono::duration<double, std::milli>(Time::now() - began).count());
    } else {
      ++asked.failed;
    }
    std::this_thread::sleep_until(began + 20ms);
  }
  std::ranges::sort(asked.ms);
  return asked;
}

bool measure(const std::string& whose, const HttpCall& kept, const Flood::Plan* attack) {
  HttpCall fresh = kept;
  fresh.new_connection = true;
  fresh.one_off = true;
  std::optional<Flood> flood;
  if (attack != nullptr) flood.emplace(*attack);
  const auto until = Time::now() + (attack != nullptr ? attack->time : 5s);
  Asked on_kept;
  std::thread other([&] { on_kept = ask(kept, until); });
  const Asked on_fresh = ask(fresh, until);
  other.join();
  bool met = true;
  if (flood) {
    const Flood::Counts counts = flood->wait();
    const auto seconds = static_cast<double>(attack->time.count());
    const double quick = static_cast<double>(counts.quick) / seconds;
    const double opened = static_cast<double>(counts.slow_opened) / seconds;
    std::printf(
        "%s under attack: %.0f new connections a second (%.0f quick, %.0f in place of slow ones"
        " that it closed; %.0f with a TLS greeting), %ld slow ones at once, %ld not taken\n",
        whose.c_str(), quick + opened, quick, opened, static_cast<double>(counts.hellos) / seconds,
        counts.slow_held, counts.failed);
  } else {
    std::printf("%s before\n", whose.c_str());
  }
  for (const auto& [name, asked] :
       {std::pair("kept connection", on_kept), {"fresh connection", on_fresh}}) {
    std::printf("  %s: %zu answers, %d without, p50 %.2f ms\n", name, asked.ms.size(), asked.failed,
                asked.at(0.5));
    met &= show(cat("  health page, ", name, ": p99"), asked.at(0.99), 100, "ms");
    met &= show(cat("  health page, ", name, ": without an answer"), asked.failed, 0, "calls");
  }
  return met;
}

int run() {
  Site site(true, {{"n-1", "127.0.0.1",
                    "services:\n  - {name: s-1, command: [/bin/sleep, \"100000\"]}\n", "s-1"}});
  if (!site.start(PANSHI_BIN_DIR)) {
    std::fprintf(stderr, "not up:\n%s\n", site.logs().c_str());
    return 2;
  }
  const auto fault =
      site.post("/api/v1/faults",
                {{"kind", "process.pause"}, {"target", {{"service", "s-1"}}}, {"for", "10m"}});
  const std::string id = fault.value("fault", "");
  const auto in_force = [&] {
    const auto faults = site.get("/api/v1/faults").value("faults", nlohmann::json::array());
    return std::ranges::any_of(faults, [&](const auto& each) {
      return each.value("id", "") == id && each.value("state", "") == "live";
    });
  };
  if (id.empty() || !eventually(in_force)) {
    std::fprintf(stderr, "no fault: %s\n%s\n", fault.dump().c_str(), site.logs().c_str());
    return 2;
  }
  bool met = true;
  const std::string hello = client_hello();
  if (!hello.starts_with('\x16')) {
    std::fprintf(stderr, "the library says no TLS greeting\n");
    return 2;
  }
  for (const auto& [whose, call] :
       {std::pair("controller", site.health()), {"agent", site.health_of(0)}}) {
    met &= measure(whose, call, nullptr);
    for (const std::string& said : {std::string(), hello}) {
      const Flood::Plan plan{.address = "127.0.0.1",
                             .port = port_of(call.url),
                             .slow = kSlow,
                             .quick_per_second = kQuick,
                             .time = kLong,
                             .hello = said};
      met &= measure(whose, call, &plan);
      const bool kept = in_force();
      std::printf("  the fault's lease: %s\n", kept ? "kept" : "LOST");
      met &= kept;
    }
  }
  return met ? 0 : 1;
}

}  // namespace
}  // namespace panshi::bench

int main() { return panshi::bench::run(); }
