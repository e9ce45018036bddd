// SPDX-License-Identifier: Apache-2.0
// HttpReader: the HTTP of one connection. Takes bytes in any pieces, lets the guard look at each
// head before a byte of its body counts, has the handlers answer, and hands out the answers' bytes.
//
// One thread at a time. Knows no socket. Two kinds: HttpLibrary (cpp-httplib; controller, agent,
// Toxiproxy's API) and the shop's BeastReader, which is faster (docs/decisions/0024).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/io/http_guard.h"
#include "core/io/http_server.h"
#include "core/io/transport.h"

namespace panshi {

struct HttpPeer {
  std::string address;  // "127.0.0.1"
  std::uint16_t port = 0;
  std::optional<std::uint32_t> uid = {};  // at a Unix socket: whose process it is
  const Transport* transport = nullptr;   // once hands are shaken it knows whom a certificate names

  std::string name() const { return transport == nullptr ? "" : transport->peer(); }
  // As a proxy tells it, if there is one that may.
  std::string client() const {
    const std::string told = transport == nullptr ? "" : transport->origin();
    return told.empty() ? address : told;
  }
  bool is_current() const { return transport == nullptr || transport->is_current(); }
};

// What readers of one server share. Outlives them.
struct HttpRules {
  const HttpServer::Options& options;
  const HttpGuard& guard;
  // The handler of a route, with all that stands around it; does not throw.
  std::function<HttpResponse(const HttpRequest& request, std::size_t route)> handle;
  const std::atomic<bool>& stopping;  // requests are refused, connections not kept

  // After an answer; who was revoked meanwhile has to prove anew who it is.
  bool keeps(const HttpPeer& peer) const { return !stopping && peer.is_current(); }
};

class HttpReader {
 public:
  static constexpr std::size_t kHeadBytesMax = 16 << 10;
  static constexpr std::size_t kHeadersMax = 128;
  enum class State {
    kMore,    // feed it
    kServe,   // there is something to serve
    kAnswer,  // take the answer
  };
  struct Answer {
    std::string bytes;
    bool keep = false;    // the connection, for the next request
    bool unread = false;  // more of what was refused may be coming
  };

  virtual ~HttpReader() = default;

  // REQUIRES: the state before was kMore. With "" it goes on with what it has.
  virtual State feed(std::string_view bytes) = 0;
  // Runs the handler. kMore: the body is not there yet, and nothing was handled.
  // REQUIRES: the state was kServe
  virtual State serve(MonoTime arrived) = 0;
  // REQUIRES: the state is kAnswer. Afterwards it is kMore.
  virtual Answer take_answer() = 0;
  // True once when the client waits for "100 Continue" before it sends a body that is wanted.
  virtual bool take_go_on() = 0;
  // Bytes of a request that has not been answered are here.
  virtual bool has_begun() const = 0;
};

// What a request gets that was read when the server stops.
inline HttpResponse http_stopping(const HttpServer::Options& options) {
  return http_refusal(options, {ErrorCode::kUnavailable, "stopping"}, 503);
}

// Whether the connection is kept after its `served`-th request, as the client and the rules wish.
inline bool http_keeps(const HttpHead& head, unsigned served, const HttpServer::Options& options) {
  return head.keep_alive && served < options.requests_per_connection_max;
}

}  // namespace panshi
