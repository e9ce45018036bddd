// SPDX-License-Identifier: Apache-2.0
// Promise: an answer is understood however its bytes are cut, and nonsense is refused, not guessed.
#include "agents/probes/http_answer.h"

#include <catch2/catch.hpp>

namespace panshi::agent {
namespace {

using State = HttpAnswer::State;

struct Read {
  State state = State::kMore;
  int status = 0;
  std::string body;
  std::string why;
};

// Fed in pieces of `piece` bytes, then closed when it still wants more.
Read read(const std::string& bytes, std::size_t piece) {
  HttpAnswer answer;
  State state = State::kMore;
  for (std::size_t at = 0; at < bytes.size() && state == State::kMore; at += piece) {
    state = answer.take(std::string_view(bytes).substr(at, piece));
  }
  if (state == State::kMore) state = answer.closed();
  return {state, answer.status(), answer.body(), answer.why()};
}

TEST_CASE("a body is read by its length, in chunks or until the end, in whatever pieces it comes") {
  const auto piece = GENERATE(1U, 2U, 3U, 7U, 1000U);
  INFO("pieces of " << piece);
  for (const std::string& answer : {
           std::string("HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\n\r\nhello"),
           std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"),
           std::string("HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello"),
           std::string("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                       "Content-Length: 5\r\n\r\nhello"),
       }) {
    const Read got = read(answer, piece);
    INFO(answer);
    CHECK(got.state == State::kDone);
    CHECK(got.status == 200);
    CHECK(got.body == "hello");
  }
}

TEST_CASE("an answer without a body ends with its head") {
  CHECK(read("HTTP/1.1 204 No Content\r\n\r\n", 9).state == State::kDone);
  CHECK(read("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 9).status == 503);
}

TEST_CASE("what is cut, too long or no HTTP is broken and says why") {
  CHECK(read("", 1).why == "closed without an answer");
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 4).why ==
        "closed in the middle of the answer");
  CHECK(read("HTTP/1.1 200 OK\r\nConte", 4).state == State::kBroken);
  CHECK(read("SSH-2.0-OpenSSH_9.2\r\n\r\n", 50).why == "answer is not HTTP");
  CHECK(read("HTTP/1.1 2x0 OK\r\n\r\n", 50).why == "answer is not HTTP");
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 50).state == State::kBroken);
  CHECK(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 50).state ==
        State::kBroken);
  CHECK(
      read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff0\r\n", 50).state ==
      State::kBroken);
  CHECK(read("HTTP/1.1 200 OK\r\n\r\n" + std::string(limits::kProbeBodyMax, 'x'), 10'000).state ==
        State::kBroken);
  CHECK_THAT(read("HTTP/1.1 200 OK\r\nX: " + std::string(limits::kProbeHeadMax, 'x'), 1'000).why,
             Catch::Contains("a head longer than"));
}

TEST_CASE("as many chunks of one byte as an answer may have are read to the end") {
  std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  constexpr std::size_t kChunks = 170'000;
  for (std::size_t i = 0; i < kChunks; ++i) answer += "1\r\nx\r\n";
  answer += "0\r\n\r\n";
  for (const std::size_t piece : {std::size_t{1'000}, answer.size()}) {
    const Read got = read(answer, piece);
    CHECK(got.state == State::kDone);
    CHECK(got.body == std::string(kChunks, 'x'));
  }
}

}  // namespace
}  // namespace panshi::agent
