// SPDX-License-Identifier: Apache-2.0
// What a probed server answers is read the same whatever pieces it comes in, and ends: done or
// broken with a reason, never more than it may keep.
#include "agents/probes/http_answer.h"

#include <cstddef>
#include <cstdint>

#include "core/base/check.h"

namespace {

using State = panshi::agent::HttpAnswer::State;

State read_in_steps(panshi::agent::HttpAnswer& answer, std::string_view bytes, std::size_t step) {
  State state = State::kMore;
  for (std::size_t at = 0; at < bytes.size() && state == State::kMore; at += step) {
    state = answer.take(bytes.substr(at, step));
  }
  return state == State::kMore ? answer.closed() : state;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  panshi::agent::HttpAnswer at_once;
  panshi::agent::HttpAnswer in_pieces;
  const State state = read_in_steps(at_once, bytes, size + 1);
  CHECK_BUG(state != State::kMore);
  CHECK_BUG(state == read_in_steps(in_pieces, bytes, 1 + size % 5));
  if (state == State::kDone) {
    CHECK_BUG(at_once.status() == in_pieces.status() && at_once.body() == in_pieces.body());
    CHECK_BUG(at_once.body().size() <= size);
  } else {
    CHECK_BUG(!at_once.why().empty());
  }
  return 0;
}
