// SPDX-License-Identifier: Apache-2.0
// The server of the control plane (cpp-httplib behind our bounds) answers the same whatever pieces
// a request came in, keeps no connection on which it does not know where the next request begins,
// and handles nothing that the guard refuses.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/io/http_reader.h"

namespace {

using panshi::HttpReader;
using State = HttpReader::State;

struct Outcome {
  std::vector<std::string> statuses;  // "HTTP/1.1 200"
  int handled = 0;
  bool closed = false;
};

// Who is refused before all of the body has come is told so at once, and the connection ends: what
// came behind it is then not served, which it is when all came together. Chunks that are wrong are
// refused when it is time to look at them, or when the time is over.
bool is_cut_short(const Outcome& shorter, const Outcome& longer) {
  constexpr const char* kRefused = "HTTP/1.1 400";
  const std::size_t count = shorter.statuses.size();
  if (count >= longer.statuses.size() ||
      !std::equal(shorter.statuses.begin(), shorter.statuses.end(), longer.statuses.begin())) {
    return false;
  }
  if (shorter.closed) return count > 0 && shorter.statuses.back() >= kRefused;
  return longer.statuses[count] >= kRefused;
}

struct Server {
  panshi::HttpServer::Options options{.body_max = 1'000, .token = "t", .lenient = true};
  panshi::HttpGuard guard{options};
  std::atomic<bool> stopping = false;
  int handled = 0;
  panshi::HttpRules rules{options, guard,
                          [this](const panshi::HttpRequest& request, std::size_t) {
                            ++handled;
                            CHECK_BUG(request.header("authorization") == "Bearer t");
                            CHECK_BUG(request.body.size() <= options.body_max);
                            return panshi::json_response(request.body.size());
                          },
                          stopping};
  Server() {
    for (const char* method : {"GET", "POST", "PUT", "DELETE"}) guard.add(method, "/a/{id}", 0);
  }
};

Outcome serve_in_steps(std::string_view bytes, std::size_t step) {
  Server server;
  const auto reader = panshi::library_reader(server.rules, {"127.0.0.1", 1});
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size() && !outcome.closed; at += step) {
    State state = reader->feed(bytes.substr(at, step));
    while (state != State::kMore && !outcome.closed) {
      if (state == State::kServe) state = reader->serve({});
      if (state != State::kAnswer) continue;
      const HttpReader::Answer answer = reader->take_answer();
      CHECK_BUG(answer.bytes.starts_with("HTTP/1.1 "));
      CHECK_BUG(!answer.unread || !answer.keep);
      outcome.statuses.push_back(answer.bytes.substr(0, 12));
      outcome.closed = !answer.keep;
      state = outcome.closed ? State::kMore : reader->feed({});
    }
  }
  outcome.handled = server.handled;
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome at_once = serve_in_steps(bytes, size + 1);
  const Outcome in_pieces = serve_in_steps(bytes, 1 + size % 7);
  const bool same = at_once.statuses == in_pieces.statuses && at_once.handled == in_pieces.handled;
  CHECK_BUG(same || is_cut_short(in_pieces, at_once));
  return 0;
}
