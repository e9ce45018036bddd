// SPDX-License-Identifier: Apache-2.0
// Toxic: one way of spoiling a link. What each does to a stream is agents/links/stage.h; what ends
// or refuses connections is link.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agents/links/http_rule.h"
#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

struct Toxic {
  enum class Kind {
    kDelay,      // each chunk is delivered `delay` ± `jitter` after it was read, in order
    kBandwidth,  // at most `rate` bytes a second pass; 0: nothing passes
    kBlackHole,  // bytes vanish; after `delay` without any, both sides are closed (0: never)
    kResetPeer,  // `delay` after the first byte, both sides get RST
    kSlicer,     // chunks are cut into `bytes` ± `variation`, `delay` apart
    kLimit,      // both sides are closed once `bytes` have passed
    kSlowClose,  // the end of a stream is passed on `delay` late
    kNothing,
    kRefuse,  // each new connection is reset with the chance `toxicity`
    // Of links that carry HTTP, for the requests that `http` touches, each with that chance:
    kHttpDelay,   // passed on `delay` later
    kHttpStatus,  // answered by the link
    kHttpHeader,  // a header is set or removed
    kHttpBody,    // the body of the answer is replaced
    kDown,        // closes what is established; the port refuses connections
    kReset,       // RST to what is established and to each new connection
  };
  enum class Direction { kBoth, kUpstream, kDownstream };  // kUpstream: client to upstream

  Kind kind = Kind::kDelay;
  Duration delay{};   // several delays on one link add up
  Duration jitter{};  // drawn evenly from [delay - jitter, delay + jitter] for each chunk
  Direction direction = Direction::kBoth;
  std::int64_t rate = 0;
  std::int64_t bytes = 0;
  std::int64_t variation = 0;
  double toxicity = 1;  // share of the connections that it touches, drawn for each and direction

  std::optional<HttpRule> http = {};  // of the kinds kHttp…

  bool on_stream() const {
    return !http && kind != Kind::kRefuse && kind != Kind::kDown && kind != Kind::kReset;
  }
  friend bool operator==(const Toxic&, const Toxic&) = default;
};

// As on the wire: "delay", "black_hole", …
const char* to_text(Toxic::Kind kind);
const char* to_text(Toxic::Direction direction);

// kInvalid: a field is out of its bounds.
Status check(const Toxic& toxic);

}  // namespace panshi::agent
