// SPDX-License-Identifier: Apache-2.0
// Names: looks up the names of upstreams, for those who must not wait for it.
//
// A resolver may be silent for half a minute, so each name is asked for on a thread of its own, at
// most kAskedMax at once; a name that is being asked for is not asked for again. Numbers, and
// `localhost` (both loopback addresses, RFC 6761), need no resolver. Any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agents/links/socket.h"
#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

// "db:3306", "127.0.0.1:80", "[::1]:80", ":80" (this machine).
struct NamedAddress {
  std::string host;  // without brackets; "" is this machine
  std::uint16_t port = 0;
};
// kInvalid: "missing port in address" and the like.
Result<NamedAddress> parse_named_address(const std::string& text);

class Names {
 public:
  static constexpr std::size_t kAskedMax = 32;
  using Addresses = std::vector<Address>;  // without a port, best first; never empty
  using Resolve = std::function<Result<Addresses>(const std::string& host)>;  // may block
  // Once, on any thread; must not ask again from within.
  using Done = std::function<void(const Result<Addresses>&)>;

  explicit Names(Resolve resolve = {});  // none: getaddrinfo
  ~Names();                              // who still waits is never told
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  // What is known without a resolver; nothing for a name.
  static Addresses known(const std::string& host);
  // kUnavailable: unknown, or too many names are being asked for.
  void ask(const std::string& host, Done done);
  // Waits for it, at most so long: kTimeout.
  Result<Addresses> ask_within(const std::string& host, Duration within);

 private:
  struct State;
  std::shared_ptr<State> state_;  // outlives this while a resolver is silent
};

}  // namespace panshi::agent
