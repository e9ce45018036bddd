// SPDX-License-Identifier: Apache-2.0
// What a link costs and how exact its delay is: beside a direct connection, and beside HAProxy when
// it is installed, in interleaved rounds of one run. Prints medians and their spread; bounded in
// time (about a minute).
#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "agents/links/link_table.h"
#include "tests/bench/link_crowd.h"
#include "tests/bench/part.h"
#include "tests/integration/agents/links/sockets.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::connect_to;
using test::Server;
using test::Socket;

constexpr int kRounds = 11;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

void echo(Socket& socket) {
  for (;;) {
    const std::string text = socket.receive(4096);
    if (text.empty() || text.starts_with("error ") || !socket.send(text)) return;
  }
}

void swallow(Socket& socket) {
  std::string buffer(1 << 18, '\0');
  while (::recv(socket.fd(), buffer.data(), buffer.size(), 0) > 0) {
  }
  (void)socket.send("done");
}

// HAProxy as plainly as it can be had: TCP mode, one thread.
class Haproxy {
 public:
  Haproxy(std::uint16_t echo_port, std::uint16_t bulk_port) {
    const std::string config = folder_ / "haproxy.cfg";
    const std::uint16_t ports[] = {free_port(), free_port()};
    std::ofstream file(config);
    file << "global\n nbthread 1\n maxconn 4096\ndefaults\n mode tcp\n option splice-auto\n"
         << " timeout connect 5s\n timeout client 60s\n timeout server 60s\n";
    section(file, "echo", ports[0], echo_port);
    section(file, "bulk", ports[1], bulk_port);
    file.close();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl("/usr/sbin/haproxy", "haproxy", "-q", "-db", "-f", config.c_str(), nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 500 && !connect_to(ports[1]); ++i) std::this_thread::sleep_for(10ms);
    echo_ = ports[0];
    bulk_ = ports[1];
  }
  ~Haproxy() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  std::uint16_t echo_port() const { return echo_; }
  std::uint16_t bulk_port() const { return bulk_; }

 private:
  static void section(std::ofstream& file, const char* name, std::uint16_t from, std::uint16_t to) {
    file << "listen " << name << "\n bind " << test::kHost << ":" << from << "\n server s "
         << test::kHost << ":" << to << "\n";
  }
  static std::uint16_t free_port() { return Server(echo).port(); }

  TemporaryFolder folder_;
  pid_t pid_ = -1;
  std::uint16_t echo_ = 0;
  std::uint16_t bulk_ = 0;
};

struct Trips {
  double a_second = 0;
  double p99_us = 0;
  double count = 0;
};

// Round trips over `connections` at once, one message of 64 bytes on each.
Trips round_trips(std::uint16_t port, int connections, std::chrono::milliseconds time) {
  std::vector<Socket> sockets;
  for (int i = 0; i < connections; ++i) sockets.push_back(connect_to(port));
  const std::string message(64, 'm');
  std::vector<double> took_us;
  const auto start = Clock::now();
  while (Clock::now() - start < time) {
    const auto sent = Clock::now();
    for (const Socket& socket : sockets) (void)socket.send(message);
    for (const Socket& socket : sockets) {
      if (socket.receive_exactly(64).size() == 64) took_us.push_back(1e6 * seconds_since(sent));
    }
  }
  const auto count = static_cast<double>(took_us.size());
  return {count / seconds_since(start), percentile(took_us, 0.99), count};
}

double megabytes_a_second(std::uint16_t port, std::size_t total) {
  Socket socket = connect_to(port);
  const std::string block(1 << 18, 'b');
  const auto start = Clock::now();
  for (std::size_t sent = 0; sent < total; sent += block.size()) {
    if (!socket.send(block)) return 0;
  }
  socket.finish_sending();
  if (socket.receive_exactly(4) != "done") return 0;
  return static_cast<double>(total) / 1e6 / seconds_since(start);
}

// Sends the time; the other end takes the difference to its arrival.
void bench_delay(agent::LinkTable& table, Duration delay, int chunks, Duration gap) {
  std::vector<double> late_us;
  Server server([&](Socket& socket) {
    for (int i = 0; i < chunks; ++i) {
      std::int64_t sent = 0;
      const std::string text = socket.receive_exactly(sizeof sent);
      const std::int64_t now = Clock::now().time_since_epoch().count();
      if (text.size() != sizeof sent) return;
      std::copy(text.begin(), text.end(), reinterpret_cast<char*>(&sent));
      late_us.push_back(static_cast<double>(now - sent) / 1e3 - static_cast<double>(delay.count()));
    }
    (void)socket.send("done");
  });
  (void)table.open({.name = "delayed",
                    .listen = cat(test::kHost, ":0"),
                    .upstreams = {{"a", server.address()}}});
  (void)table.add_toxic("delayed", "t",
                        {.kind = agent::Toxic::Kind::kDelay,
                         .delay = delay,
                         .direction = agent::Toxic::Direction::kUpstream});
  Socket client = connect_to(*table.port("delayed"));
  for (int i = 0; i < chunks; ++i) {
    const std::int64_t now = Clock::now().time_since_epoch().count();
    (void)client.send(std::string_view(reinterpret_cast<const char*>(&now), sizeof now));
    std::this_thread::sleep_for(gap);
  }
  const bool whole = client.receive_exactly(4) == "done";
  const auto own = table.toxic_report("delayed", "t");
  (void)table.close("delayed");
  if (!whole || !own) {
    std::printf("link.delay %-6s FAILED: not every chunk arrived\n", duration_text(delay).c_str());
    return;
  }
  const double p99 = percentile(late_us, 0.99);
  std::printf(
      "link.delay %-6s one-way error over %d chunks: p50 %.0f us, p99 %.0f us, max %.0f us "
      "(as the link sees it: p99 %lld us)  goal: p99 <= 1000 us  %s\n",
      duration_text(delay).c_str(), chunks, percentile(late_us, 0.5), p99, percentile(late_us, 1.0),
      static_cast<long long>(own->late_p99.count()), p99 <= 1000 ? "met" : "missed");
}

constexpr int kConnections[] = {1, 16, 64};

struct Figures {
  std::vector<double> a_second = {};
  std::vector<double> p99_us = {};
  std::vector<double> cpu_us = {};  // of whatever is between, a round trip
};

struct Path {
  const char* name;
  std::uint16_t echo_port;
  std::uint16_t bulk_port;
  pid_t pid = 0;  // of what is between; 0: nothing
  std::map<int, Figures> small = {};
  std::vector<double> bulk = {};
};

// `less`: small figures are good ones.
void print(const std::string& what, const char* unit, const std::vector<Path>& paths,
           const std::function<const std::vector<double>&(const Path&)>& figures,
           bool less = false) {
  for (const Path& path : paths) {
    const std::vector<double>& values = figures(path);
    const double against = percentile(figures(paths.back()), 0.5);
    std::printf("%-34s %-8s median %8.0f %s (%.0f to %.0f)", what.c_str(), path.name,
                percentile(values, 0.5), unit, percentile(values, 0), percentile(values, 1));
    if (paths.size() == 3 && &path == &paths[1]) {
      const double ratio = percentile(values, 0.5) / against;
      const bool met = less ? ratio <= 1 : ratio >= 1;
      std::printf("  %.2f x haproxy  goal: %s 1  %s", ratio,
                  less ? "<=" : ">=", met ? "met" : "missed");
    }
    std::printf("\n");
  }
}

void measure(Path& path) {
  for (const int connections : kConnections) {
    Figures& figures = path.small[connections];
    const double before = path.pid == 0 ? 0 : cpu_us(path.pid);
    const Trips trips = round_trips(path.echo_port, connections, 300ms);
    const double after = path.pid == 0 ? 0 : cpu_us(path.pid);
    figures.a_second.push_back(trips.a_second);
    figures.p99_us.push_back(trips.p99_us);
    figures.cpu_us.push_back((after - before) / trips.count);
  }
  path.bulk.push_back(megabytes_a_second(path.bulk_port, 256 << 20));
}

// The link and HAProxy are processes of their own; both ends are this one.
void bench_paths(int rounds) {
  Server echo_server(echo);
  Server bulk_server(swallow);
  Part link({"carry", echo_server.address(), bulk_server.address()});
  const std::vector<std::string> ports = split(link.hear(), ' ');
  const auto port = [&](std::size_t i) {
    return static_cast<std::uint16_t>(std::stoi(ports.at(i)));
  };
  std::vector<Path> paths = {{"direct", echo_server.port(), bulk_server.port()},
                             {"link", port(0), port(1), link.pid()}};
  std::optional<Haproxy> haproxy;
  if (::access("/usr/sbin/haproxy", X_OK) == 0) {
    haproxy.emplace(echo_server.port(), bulk_server.port());
    paths.push_back({"haproxy", haproxy->echo_port(), haproxy->bulk_port(), haproxy->pid()});
  } else {
    std::printf("haproxy is not installed: nothing to compare with\n");
  }
  for (int round = 0; round < rounds; ++round) {
    for (Path& path : paths) measure(path);
  }
  for (const int n : kConnections) {
    const std::string of = cat(n, n == 1 ? " connection" : " connections");
    const auto small = [n](const Path& path) -> const Figures& { return path.small.at(n); };
    print(
        "round trips, " + of, "/s",
        paths, [&](const Path& path) -> const auto& { return small(path).a_second; });
    print(
        "their p99, " + of, "us",
        paths, [&](const Path& path) -> const auto& { return small(path).p99_us; }, true);
    print(
        "processor time of one, " + of, "us",
        paths, [&](const Path& path) -> const auto& { return small(path).cpu_us; }, true);
  }
  print(
      "one-way bulk", "MB/s", paths, [](const Path& path) -> const auto& { return path.bulk; });
}

// What a delay leaves of the rate: the window of both ends' kernels is not the link's.
void bench_delayed_bulk(agent::LinkTable& table) {
  Server server(swallow);
  (void)table.open(
      {.name = "far", .listen = cat(test::kHost, ":0"), .upstreams = {{"a", server.address()}}});
  const std::uint16_t port = *table.port("far");
  const double without = megabytes_a_second(port, 256 << 20);
  (void)table.add_toxic("far", "t", {.kind = agent::Toxic::Kind::kDelay, .delay = 100ms});
  const double with = megabytes_a_second(port, 256 << 20);
  (void)table.close("far");
  std::printf(
      "one-way bulk, 256 MB at a delay of 100 ms: %.0f MB/s (without: %.0f)  goal: >= 100  %s\n",
      with, without, with >= 100 ? "met" : "missed");
}

int run() {
  bench_crowd();
  bench_paths(kRounds);
  auto table = agent::LinkTable::create();
  if (!table) return 1;
  bench_delay(**table, 20ms, 300, 5ms);
  bench_delay(**table, 500ms, 300, 5ms);
  bench_delayed_crowd(**table);
  bench_delayed_bulk(**table);
  return 0;
}

}  // namespace
}  // namespace panshi

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() > 1 && words[0] == "carry") {
    return panshi::carry_links({words.begin() + 1, words.end()});
  }
  if (words.size() == 2 && words[0] == "crowd") return panshi::be_crowd(std::stoi(words[1]));
  return panshi::run();
}
