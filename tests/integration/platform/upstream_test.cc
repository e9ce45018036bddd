// SPDX-License-Identifier: Apache-2.0
// Promise: calls of another role are repeated only when that is safe and the budget allows, and one
// role that hangs is not called by more than its share at once.
#include <atomic>
#include <catch2/catch.hpp>
#include <future>

#include "core/base/text.h"
#include "core/io/http_server.h"
#include "platform/storefront/stores/http_upstream.h"
#include "tests/support/eventually.h"

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;

namespace {

HttpUpstream::Options options(std::uint16_t port) {
  return {.name = "other",
          .base = cat("http://127.0.0.1:", port),
          .timeout = 2s,
          .breaker = {.failures_max = 1'000},
          .retries = {.percent = 20, .burst = 2}};
}

std::uint16_t closed_port() {
  HttpServer server({});
  REQUIRE(server.start());
  const std::uint16_t port = server.port();
  server.stop();
  return port;
}

// One server whose handler counts, and waits for `open`.
struct Slow {
  std::atomic<int> calls = 0;
  std::promise<void> open;
  std::shared_future<void> opened = open.get_future().share();
  HttpServer server{{.threads = 4}};

  Slow() {
    server.route("GET", "/slow", [this](const HttpRequest&) {
      ++calls;
      opened.wait();
      return json_response({{"ok", true}});
    });
    server.route("GET", "/busy", [this](const HttpRequest&) {
      ++calls;
      return json_response({{"code", "busy"}}, 503);
    });
    REQUIRE(server.start());
  }
};

}  // namespace

TEST_CASE("calls of a role that is not there are repeated, a fifth of them and the burst") {
  HttpUpstream upstream(options(closed_port()));
  for (int i = 0; i < 100; ++i) {
    CHECK(upstream.call({.path = "/x"}).error().code == ErrorCode::kUnavailable);
  }
  CHECK(upstream.counts().retries == 21);  // the first request found the bucket full
  CHECK(upstream.counts().retries_refused == 79);
  CHECK(upstream.failures() == 121);
}

TEST_CASE("a call that changes something is repeated only with an idempotency key") {
  HttpUpstream upstream(options(closed_port()));
  CHECK_FALSE(upstream.call({.method = "POST", .path = "/x", .body = "{}"}));
  CHECK(upstream.counts().retries == 0);
  CHECK_FALSE(upstream.call(
      {.method = "POST", .path = "/x", .body = "{}", .headers = {{"Idempotency-Key", "k"}}}));
  CHECK(upstream.counts().retries == 1);
}

TEST_CASE("an answer is final, and so is not knowing") {
  Slow other;
  HttpUpstream upstream(options(other.server.port()));
  CHECK(upstream.call({.path = "/busy"})->status == 503);
  CHECK(other.calls == 1);
  const MonoTime soon = SystemClock().mono() + 200ms;
  const auto unknown = upstream.call({.path = "/slow", .deadline = soon});
  CHECK(unknown.error().code == ErrorCode::kTimeout);
  CHECK(other.calls == 2);
  CHECK(upstream.counts().retries == 0);
  other.open.set_value();
}

TEST_CASE("a call whose time is over is neither sent nor repeated") {
  Slow other;
  HttpUpstream upstream(options(other.server.port()));
  const auto late = upstream.call({.path = "/busy", .deadline = SystemClock().mono()});
  CHECK(late.error().code == ErrorCode::kUnavailable);
  CHECK(other.calls == 0);
  CHECK(upstream.counts().retries == 0);
}

TEST_CASE("a role that hangs holds as many calls as its bulkhead has places, and no more") {
  Slow other;
  HttpUpstream::Options narrow = options(other.server.port());
  narrow.concurrent_max = 2;
  HttpUpstream upstream(narrow);
  const auto call = [&] { return upstream.call({.path = "/slow"}).has_value(); };
  auto first = std::async(std::launch::async, call);
  auto second = std::async(std::launch::async, call);
  REQUIRE(eventually([&] { return other.calls == 2; }));
  CHECK(upstream.call({.path = "/slow"}).error().code == ErrorCode::kUnavailable);
  CHECK(other.calls == 2);
  CHECK(upstream.counts().full == 1);
  CHECK(upstream.counts().retries == 0);
  other.open.set_value();
  CHECK(first.get());
  CHECK(second.get());
  CHECK(upstream.call({.path = "/slow"}));
}
