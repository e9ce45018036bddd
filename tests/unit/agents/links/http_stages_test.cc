// SPDX-License-Identifier: Apache-2.0
// The promises under test: what no rule touches passes byte for byte; a rule touches the requests
// of its method and path only, and the answer that belongs to each; what is not HTTP passes
// untouched.
#include "agents/links/http_stages.h"

#include <catch2/catch.hpp>

#include "agents/links/http_rule.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
using Kind = Toxic::Kind;

const MonoTime kStart = MonoTime() + 1h;

struct Talk {
  explicit Talk(std::vector<Toxic> toxics = {}) {
    for (Toxic& toxic : toxics) {
      if (!toxic.http) toxic.http.emplace();
      rules.push_back({.id = cat("t", rules.size()), .toxic = std::move(toxic)});
    }
    auto [first, second] = make_http_stages(rules, Random(7));
    requests.add(std::move(first));
    answers.add(std::move(second));
  }
  // In pieces of `step` bytes, as a network may cut them.
  static void read(ToxicChain& chain, const std::string& bytes, std::size_t step, Duration after) {
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      chain.take({.at = kStart + after, .bytes = bytes.substr(at, step)}, kStart + after);
    }
  }
  void client(const std::string& bytes, std::size_t step = 7, Duration after = {}) {
    read(requests, bytes, step, after);
    move(after);
  }
  void server(const std::string& bytes, std::size_t step = 7, Duration after = {}) {
    read(answers, bytes, step, after);
    move(after);
  }
  void move(Duration after) {
    while (const auto piece = requests.give(kStart + after)) to_server += text_of(*piece);
    while (const auto piece = answers.give(kStart + after)) to_client += text_of(*piece);
  }
  std::string text_of(const Piece& piece) {
    reset = reset || piece.kind == Piece::Kind::kReset;
    return piece.kind == Piece::Kind::kClose ? "<close>" : piece.bytes;
  }

  std::vector<ToxicRow> rules;
  ToxicChain requests{Random(1)};
  ToxicChain answers{Random(2)};
  std::string to_server;
  std::string to_client;
  bool reset = false;
};

const std::string kGet = "GET /a?q=1 HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kHead = "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kPost = "POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Old: 1\r\n\r\nhello";
const std::string kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n10;x=y\r\n0123456789abcdef"
    "\r\n0\r\nTrail: er\r\n\r\n";

Toxic status(int code, std::string path = "*", std::string method = "") {
  Toxic toxic{.kind = Kind::kHttpStatus};
  toxic.http =
      HttpRule{.method = std::move(method), .path = std::move(path), .status = code, .body = "no"};
  return toxic;
}

TEST_CASE("without a rule every byte passes, however it is cut, kept alive and pipelined") {
  for (const std::size_t step : {1u, 3u, 50u, 10'000u}) {
    Talk talk;
    const std::string asked = kGet + kPost + kHead + kGet;
    const std::string to_head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    const std::string answered =
        kChunked + "HTTP/1.1 100 Continue\r\n\r\n" + kOk + to_head + "HTTP/1.1 204 No\r\n\r\n";
    talk.client(asked, step);
    talk.server(answered, step);
    CHECK(talk.to_server == asked);
    CHECK(talk.to_client == answered);
  }
}

TEST_CASE("thousands of requests before the first answer lose none, with rules and without") {
  constexpr std::size_t kMany = 3'000;
  std::string asked;
  for (std::size_t i = 0; i < kMany; ++i) asked += i % 2 == 0 ? kGet : kPost;
  for (const bool ruled : {false, true}) {
    Toxic without{.kind = Kind::kHttpHeader};
    without.http = HttpRule{.header = "X-Old", .removes = true};
    Talk talk(ruled ? std::vector<Toxic>{without} : std::vector<Toxic>());
    talk.client(asked, 1'000'000);
    CHECK(talk.to_server == asked);
    for (std::size_t i = 0; i < kMany; ++i) talk.server(kOk, 1'000);
    std::size_t answers = 0;
    std::size_t marked = 0;
    for (std::size_t at = 0; (at = talk.to_client.find("HTTP/1.1 200", at)) != std::string::npos;
         ++at) {
      ++answers;
    }
    for (std::size_t at = 0; (at = talk.to_client.find("X-Old", at)) != std::string::npos; ++at) {
      ++marked;
    }
    CHECK_FALSE(talk.reset);
    CHECK(answers == kMany);
    CHECK(marked == (ruled ? kMany - 1'000 : kMany));
  }
}

TEST_CASE("a status answers the requests of its method and path, others reach upstream") {
  Talk talk({status(503, "/pay*", "POST")});
  talk.client(kGet + kPost + kGet);
  CHECK(talk.to_server == kGet + kGet);
  CHECK(talk.to_client.empty());  // the one before it was not answered yet
  talk.server(kOk + kOk);
  const std::string direct =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Length: 2\r\nConnection: keep-alive\r\n\r\nno";
  CHECK(talk.to_client == kOk + direct + kOk);
  CHECK(talk.rules[0].account->touched == 1);
}

TEST_CASE("a status to a client that does not keep the connection closes it") {
  Talk talk({status(500)});
  talk.client("GET / HTTP/1.0\r\n\r\n");
  CHECK(talk.to_client.ends_with("Connection: close\r\n\r\nno<close>"));
  Talk expecting({status(413)});
  expecting.client(
      "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
  CHECK(expecting.to_client.ends_with("<close>"));
  Talk head({status(503)});
  head.client(kHead);
  CHECK(head.to_client.ends_with("Content-Length: 2\r\nConnection: keep-alive\r\n\r\n"));
}

TEST_CASE("a delay holds its requests and those behind them, a status can be late too") {
  Toxic slow{.kind = Kind::kHttpDelay, .delay = 100ms};
  slow.http = HttpRule{.path = "/pay"};
  Talk talk({slow, status(418, "/late"), {.kind = Kind::kHttpDelay, .delay = 0ms}});
  talk.client(kGet + kPost + kGet);
  CHECK(talk.to_server == kGet);
  talk.move(99ms);
  CHECK(talk.to_server == kGet);
  talk.move(100ms);
  CHECK(talk.to_server == kGet + kPost + kGet);
  CHECK(talk.rules[0].account->report().mean == 100ms);
}

TEST_CASE("headers of the answer and of the request are set and removed") {
  Toxic set{.kind = Kind::kHttpHeader};
  set.http = HttpRule{.header = "Cache-Control", .value = "no-store"};
  Toxic removed{.kind = Kind::kHttpHeader};
  removed.http = HttpRule{.header = "x-old", .removes = true};
  Toxic request{.kind = Kind::kHttpHeader};
  request.http = HttpRule{.header = "HOST", .value = "y", .on_request = true};
  Talk talk({set, removed, request});
  talk.client(kGet);
  talk.server(kOk);
  CHECK(talk.to_server == "GET /a?q=1 HTTP/1.1\r\nHOST: y\r\n\r\n");
  CHECK(talk.to_client ==
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nCache-Control: no-store\r\n\r\nhello");
}

TEST_CASE("a replaced body has its own length, whatever framed the old one") {
  Toxic body{.kind = Kind::kHttpBody};
  body.http = HttpRule{.path = "/a", .body = "{}"};
  Talk talk({body});
  talk.client(kGet + kPost + kHead);
  talk.server(kChunked + kOk + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  CHECK(talk.to_client == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + kOk +
                              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
}

TEST_CASE("TLS, upgrades and what nobody asked for pass untouched for good") {
  Talk tls({status(503)});
  const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and more\r\n\r\n", 24);
  tls.client(hello);
  tls.server(hello + kOk);
  tls.client(kGet);
  CHECK(tls.to_server == hello + kGet);
  CHECK(tls.to_client == hello + kOk);
  Talk socket({status(503, "/a")});
  const std::string upgrade =
      "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const std::string switched =
      "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  socket.client(upgrade + "\x81\x05hello" + kGet);
  socket.server(switched + "\x81\x05world" + kOk);
  CHECK(socket.to_server == upgrade + "\x81\x05hello" + kGet);
  CHECK(socket.to_client == switched + "\x81\x05world" + kOk);
}

TEST_CASE("an answer that ends with the connection passes whole, replaced or not") {
  const std::string until_end = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
  Talk talk;
  talk.client(kGet);
  talk.server(until_end + "some" + "more");
  CHECK(talk.to_client == until_end + "somemore");
}

TEST_CASE("rules that come and go act on the next request of an open connection") {
  Talk talk;
  talk.client(kGet);
  talk.server(kOk);
  talk.rules.push_back({.id = "late", .toxic = status(503)});
  talk.client(kGet);
  CHECK(talk.to_client.find("503") != std::string::npos);
  talk.rules.clear();
  talk.to_client.clear();
  talk.client(kGet);
  talk.server(kOk);
  CHECK(talk.to_client == kOk);
}

TEST_CASE("whatever comes, HTTP or not, no byte is lost or doubled where no rule touches it") {
  const std::vector<std::string> fragments = {kGet,
                                              kPost,
                                              kHead,
                                              kOk,
                                              kChunked,
                                              "GET / HTTP/1.1\r\n",
                                              "\r\n",
                                              "\r\n\r\n",
                                              "HTTP/1.1 100 C\r\n\r\n",
                                              "HTTP/1.1 101 S\r\n\r\n",
                                              "ffffffff\r\n",
                                              "Content-Length: 99999999\r\n",
                                              "Transfer-Encoding: chunked\r\n",
                                              std::string("\x16\x03\x00\x00", 4),
                                              std::string(3000, 'x')};
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    Talk talk({status(503, "/never")});
    std::string asked;
    std::string answered;
    for (int i = 0; i < 12; ++i) {
      const std::string& fragment = fragments[random.below(fragments.size())];
      const std::size_t step = 1 + random.below(80);
      if (random.chance(50)) {
        asked += fragment;
        talk.client(fragment, step);
      } else {
        answered += fragment;
        talk.server(fragment, step);
      }
    }
    // The beginning of a head may still wait for its end.
    REQUIRE(asked.starts_with(talk.to_server));
    REQUIRE(answered.starts_with(talk.to_client));
    talk.client(std::string(70'000, 'y'), 70'000);
    talk.server(std::string(70'000, 'z'), 70'000);
    REQUIRE(talk.to_server.size() >= asked.size());
    REQUIRE(talk.to_client.size() >= answered.size());
  }
}

TEST_CASE("a path is matched as it is, or with stars for any characters") {
  CHECK(matches_glob("*", ""));
  CHECK(matches_glob("/a", "/a"));
  CHECK_FALSE(matches_glob("/a", "/ab"));
  CHECK(matches_glob("/a*", "/a/b/c"));
  CHECK(matches_glob("/orders/*/pay", "/orders/1/2/pay"));
  CHECK_FALSE(matches_glob("/orders/*/pay", "/orders/1/pays"));
  CHECK_FALSE(check_rule(HttpRule{.header = "a b"}));
  CHECK_FALSE(check_rule(HttpRule{.header = "a", .value = "x\r\ny"}));
  CHECK_FALSE(check_rule(HttpRule{.status = 100}));
}

TEST_CASE("what came of a head that is cut off by an end arrives before the end") {
  for (const Piece::Kind kind : {Piece::Kind::kEnd, Piece::Kind::kReset}) {
    Talk talk;
    talk.client(kGet);
    talk.client("GET /cut HTT");
    talk.server("HTTP/1.1 200 OK\r\nX-Cut: ");
    const Piece end{.at = kStart, .bytes = {}, .kind = kind};
    talk.requests.take(end, kStart);
    talk.answers.take(end, kStart);
    talk.move({});
    CHECK(talk.to_server == kGet + "GET /cut HTT");
    CHECK(talk.to_client == "HTTP/1.1 200 OK\r\nX-Cut: ");
  }
}

}  // namespace
}  // namespace panshi::agent
