// SPDX-License-Identifier: Apache-2.0
// The promise under test: whoever listens on a Redis server's port in its place costs a bounded
// amount of memory and time, whatever it answers and however slowly.
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <thread>
#include <utility>

#include "core/io/redis.h"
#include "tests/support/loopback_listener.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

// Accepts one connection, waits for a command, and answers with what `next` gives until it gives
// nothing, the peer is gone, or a hundred megabytes were sent.
class Squatter {
 public:
  explicit Squatter(std::function<std::string()> next) : next_(std::move(next)) {
    port = listener_.port;
    REQUIRE(port != 0);
    thread_ = std::thread([this] { answer(); });
  }
  ~Squatter() {
    listener_.stop();
    thread_.join();
  }

  std::uint16_t port = 0;
  std::atomic<std::size_t> sent = 0;

 private:
  void answer() {
    const int peer = listener_.accept();
    char command[256];
    (void)::recv(peer, command, sizeof command, 0);
    for (std::string piece = next_(); !piece.empty() && sent < (100 << 20); piece = next_()) {
      const ssize_t went = ::send(peer, piece.data(), piece.size(), MSG_NOSIGNAL);
      if (went <= 0) break;
      sent += static_cast<std::size_t>(went);
    }
    ::close(peer);
  }

  const std::function<std::string()> next_;
  LoopbackListener listener_;
  std::thread thread_;
};

Error error_of(const Squatter& squatter, Duration timeout) {
  auto redis = Redis::connect({.host = "127.0.0.1",
                               .port = squatter.port,
                               .command_timeout = timeout,
                               .reply_max = 1 << 20});
  REQUIRE(redis);
  const auto answer = redis->run({"INFO"});
  REQUIRE_FALSE(answer);
  return answer.error();
}

TEST_CASE("an answer that announces 100 GB is given up after as much as an answer may have") {
  bool begun = false;
  const Squatter squatter([&] {
    return std::exchange(begun, true) ? std::string(64 << 10, 'x') : "$107374182400\r\n";
  });
  const Error error = error_of(squatter, 30s);
  CHECK_THAT(error.message, Catch::Contains("an answer longer than 1048576 bytes"));
  CHECK(squatter.sent < (32 << 20));  // and what the kernel has room for
}

TEST_CASE("an answer without an end in small pieces is given up as well") {
  bool begun = false;
  const Squatter squatter(
      [&] { return std::exchange(begun, true) ? std::string("$1\r\nx\r\n") : "*1000000\r\n"; });
  CHECK_THAT(error_of(squatter, 30s).message, Catch::Contains("longer than 1048576 bytes"));
}

TEST_CASE("an answer that trickles in has the time of one answer, not of each of its bytes") {
  bool begun = false;
  const Squatter squatter([&] {
    std::this_thread::sleep_for(20ms);
    return std::string(std::exchange(begun, true) ? "x" : "$1000\r\n");
  });
  const Error error = error_of(squatter, 300ms);  // of which each single read takes 20
  CHECK(error.code == ErrorCode::kTimeout);
  CHECK_THAT(error.message, Catch::Contains("no answer in time"));
}

}  // namespace
}  // namespace panshi
