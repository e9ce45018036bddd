// SPDX-License-Identifier: Apache-2.0
// HttpAnswer: reads one HTTP/1.1 answer from bytes as they come, for probes.
//
// By hand because a probe is one GET to a server that may hang at any byte, hundreds of times a
// second, in an agent that may use 2 % of a core for everything. Understands Content-Length,
// chunked and until-close bodies; bounded. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agents/limits.h"

namespace panshi::agent {

std::string http_get(const std::string& host_and_port, const std::string& path);

class HttpAnswer {
 public:
  enum class State { kMore, kDone, kBroken };

  State take(std::string_view bytes);
  State closed();  // the peer sent its last byte

  // REQUIRES: kDone.
  int status() const { return status_; }
  const std::string& body() const { return body_; }
  // REQUIRES: kBroken.
  const std::string& why() const { return why_; }

 private:
  enum class Framing { kHead, kLength, kChunked, kUntilClose };

  State broken(std::string why);
  State read_head();
  State read_chunks();

  Framing framing_ = Framing::kHead;
  std::string buffer_;        // not yet understood
  std::size_t searched_ = 0;  // of it, for the end of the head
  std::string body_;
  std::string why_;
  std::size_t taken_ = 0;
  std::size_t length_ = 0;
  int status_ = 0;
};

}  // namespace panshi::agent
