// SPDX-License-Identifier: Apache-2.0
// A request comes out the same whatever pieces it came in; the parser takes no more than it is
// given, and what it refuses it refuses with a status.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "platform/http/http_parser.h"

namespace {

struct Outcome {
  panshi::HttpParser::State state;
  int status;
  std::string path;
  std::string body;
  std::size_t taken;
};

Outcome read_in_steps(std::string_view bytes, std::size_t step) {
  panshi::HttpParser parser;
  std::size_t taken = 0;
  std::size_t shown = std::min(step, bytes.size());
  while (taken < shown && (parser.state() == panshi::HttpParser::State::kHead ||
                           parser.state() == panshi::HttpParser::State::kBody)) {
    const auto before = parser.state();
    const std::size_t took = parser.feed(bytes.substr(taken, shown - taken));
    CHECK_BUG(took <= shown - taken);
    taken += took;
    if (took == 0 && parser.state() == before) {
      if (shown == bytes.size()) break;
      shown = std::min(shown + step, bytes.size());
    } else if (taken == shown) {
      shown = std::min(shown + step, bytes.size());
    }
  }
  const bool whole = parser.state() == panshi::HttpParser::State::kWhole;
  const bool bad = parser.state() == panshi::HttpParser::State::kBad;
  return {parser.state(), bad ? parser.status() : 0,
          whole ? parser.head().request.path : std::string(), whole ? parser.body() : std::string(),
          whole ? taken : 0};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome at_once = read_in_steps(bytes, size + 1);
  const Outcome in_pieces = read_in_steps(bytes, 1 + size % 7);
  CHECK_BUG(at_once.state == in_pieces.state);
  CHECK_BUG(at_once.path == in_pieces.path && at_once.body == in_pieces.body);
  CHECK_BUG(at_once.taken == in_pieces.taken);
  if (at_once.state == panshi::HttpParser::State::kBad) {
    CHECK_BUG(at_once.status >= 400 && at_once.status < 500);
  }
  return 0;
}
