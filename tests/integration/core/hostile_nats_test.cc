// SPDX-License-Identifier: Apache-2.0
// The promise under test: whoever listens on a NATS server's port in its place costs a bounded
// amount of memory and time, whatever it sends and however slowly.
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <thread>

#include "core/base/text.h"
#include "core/io/nats_requests.h"
#include "tests/support/allocated.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/skip.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kAllowed = 1 << 20;
constexpr std::size_t kEndless = 200 << 20;

// Accepts connections one after the other, lets each in as a NATS server does, waits for a request,
// and answers with what `next` gives until it gives nothing, the peer is gone, or two hundred
// megabytes were sent.
class NatsSquatter {
 public:
  // `next`: how many pieces of this connection there were, and where the answer is to go.
  using Next = std::function<std::string(std::size_t, const std::string&)>;
  explicit NatsSquatter(Next next, std::string greeting = "INFO {\"max_payload\":1048576}\r\n")
      : next_(std::move(next)), greeting_(std::move(greeting)) {
    port = listener_.port;
    REQUIRE(port != 0);
    thread_ = std::thread([this] {
      for (int peer = listener_.accept(); peer >= 0; peer = listener_.accept()) {
        serve(peer);
        ::close(peer);
      }
    });
  }
  ~NatsSquatter() {
    listener_.stop();
    thread_.join();
  }

  std::uint16_t port = 0;
  std::atomic<std::size_t> sent = 0;  // beside the greetings

 private:
  static bool send(int peer, const std::string& text) {
    return ::send(peer, text.data(), text.size(), MSG_NOSIGNAL) > 0;
  }
  static std::string read(int peer) {
    char bytes[4096];
    const ssize_t got = ::recv(peer, bytes, sizeof bytes, 0);
    return {bytes, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }

  void serve(int peer) {
    if (!send(peer, greeting_) || read(peer).empty() || !send(peer, "PONG\r\n")) return;
    const auto request = words_of(read(peer));  // PUB SUBJECT REPLY-TO …
    if (request.size() < 3) return;
    for (std::size_t i = 0, of_this = 0; of_this < kEndless; ++i) {
      const std::string piece = next_(i, request[2]);
      if (piece.empty()) {
        (void)read(peer);  // until it leaves
        return;
      }
      if (!send(peer, piece)) return;
      of_this += piece.size();
      sent += piece.size();
    }
  }

  const Next next_;
  const std::string greeting_;
  LoopbackListener listener_;
  std::thread thread_;
};

NatsRequests::Options options(const NatsSquatter& squatter, Duration timeout) {
  return {
      .url = cat("nats://127.0.0.1:", squatter.port), .timeout = timeout, .answer_max = kAllowed};
}

Error error_of(const NatsSquatter& squatter, Duration timeout) {
  auto nats = NatsRequests::connect(options(squatter, timeout));
  REQUIRE(nats);
  const auto answer = (*nats)->request("$JS.API.STREAM.INFO.ORDERS", "{}");
  REQUIRE_FALSE(answer);
  const auto again = (*nats)->request("$JS.API.STREAM.INFO.ORDERS", "{}");
  REQUIRE_FALSE(again);  // what the server goes on sending is no answer to that
  CHECK(again.error().code == ErrorCode::kUnavailable);
  return answer.error();
}

TEST_CASE("a message of two gigabytes is given up when it is announced") {
  const std::size_t piece = GENERATE(as<std::size_t>(), 0, 64 << 10);
  INFO(piece);
  const NatsSquatter squatter([&](std::size_t i, const std::string& inbox) {
    return i == 0 ? cat("MSG ", inbox, " 1 2000000000\r\n") : std::string(piece, 'x');
  });
  const Error error = error_of(squatter, 5s);
  CHECK(error.code == ErrorCode::kTimeout);
  CHECK_THAT(error.message, Catch::Contains("an answer longer than 1048576 bytes"));
  CHECK(squatter.sent < (32 << 20));  // and what the kernel has room for
}

TEST_CASE("messages without an end that answer nothing are given up as well") {
  const std::string message =
      GENERATE(as<std::string>(), "MSG other 1 1\r\nx\r\n",
               "HMSG other 1 12 12\r\nNATS/1.0\r\n\r\n\r\n", "PING\r\n", "INFO {}\r\n");
  INFO(message);
  std::string many;
  while (many.size() < (64 << 10)) many += message;
  const NatsSquatter squatter([&](std::size_t, const std::string&) { return many; });
  CHECK_THAT(error_of(squatter, 30s).message, Catch::Contains("longer than 1048576 bytes"));
}

TEST_CASE("a line without an end is given up") {
  const NatsSquatter squatter(
      [](std::size_t, const std::string&) { return std::string(64 << 10, 'x'); });
  CHECK_THAT(error_of(squatter, 30s).message, Catch::Contains("a line without an end"));
}

TEST_CASE("a message that trickles in has the time of one answer, not of each of its bytes") {
  const NatsSquatter squatter([](std::size_t i, const std::string& inbox) {
    std::this_thread::sleep_for(20ms);
    return i == 0 ? cat("MSG ", inbox, " 1 1000\r\n") : std::string("x");
  });
  const Error error = error_of(squatter, 300ms);  // of which each single read takes 20
  CHECK(error.code == ErrorCode::kTimeout);
  CHECK_THAT(error.message, Catch::Contains("no answer in time"));
}

TEST_CASE("a message whose sizes are none is given up") {
  const std::string sizes =
      GENERATE(as<std::string>(), "MSG R 1 -5", "MSG R 1 x", "MSG R", "MSG", "HMSG R 1 9 5",
               "HMSG R 1 5", "MSG R 1 99999999999999999999", "HMSG R 1 -9 5", "MSG R 1 1\r\nxyz");
  INFO(sizes);
  const NatsSquatter squatter(
      [&](std::size_t i, const std::string&) { return i == 0 ? sizes + "\r\n" : std::string(); });
  CHECK(error_of(squatter, 30s).code == ErrorCode::kTimeout);
}

TEST_CASE("a greeting without an end, or of something else, lets nobody in") {
  const std::string greeting =
      GENERATE("HTTP/1.1 400 Bad Request\r\n", "INFO []\r\n", "INFO {\"tls_required\":true}\r\n",
               "-ERR 'maximum connections exceeded'\r\n", "INFO {");
  INFO(greeting);
  const NatsSquatter squatter([](std::size_t, const std::string&) { return ""; }, greeting);
  const auto nats = NatsRequests::connect(options(squatter, 300ms));
  REQUIRE_FALSE(nats);
  CHECK(nats.error().code == ErrorCode::kUnavailable);
}

TEST_CASE("what came of a message that does not end is not kept") {
  if (kSanitized) skip_case("resident memory: a sanitizer's own memory is counted, too");
  constexpr std::size_t kSize = 15 << 20;
  const NatsSquatter squatter([](std::size_t i, const std::string& inbox) {
    if (i == 0) return cat("MSG ", inbox, " 1 ", kSize + 1, "\r\n");
    return std::string(i <= kSize >> 16 ? 64 << 10 : 0, 'x');  // all but the last byte
  });
  NatsRequests::Options generous = options(squatter, 500ms);
  generous.answer_max = 16 << 20;
  const auto call = [&] {
    auto nats = NatsRequests::connect(generous);
    REQUIRE(nats);
    const auto answer = (*nats)->request("$JS.API.STREAM.INFO.ORDERS", "{}");
    REQUIRE_FALSE(answer);
    CHECK_THAT(answer.error().message, Catch::Contains("no answer in time"));
  };
  call();  // with what is made once
  const long before = allocated_kib();
  for (int i = 0; i < 4; ++i) call();
  CHECK(allocated_kib() - before < 1 << 10);
  CHECK(squatter.sent > 5 * kSize);
}

}  // namespace
}  // namespace panshi
