// SPDX-License-Identifier: Apache-2.0
// HTTP calls: one at a time and blocking (HttpClient), or many at once on one thread (HttpFleet).
//
// No proxies, no redirects, answers up to `body_max`. The only user of libcurl. With `tls` a call
// goes over TLS 1.3 to whom that authority's certificates name, and to nobody else; without, over
// http. Connections are kept: idle ones for kHttpIdleMax, less than servers keep them, each for
// its `life_max`, so that calls follow a link that was rerouted and let the established ones drain.
// A call on a kept connection that broke without a byte of an answer is sent again only if it may
// be repeated (a method without effect, or an Idempotency-Key): the other end may have acted on it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/tls.h"

namespace panshi {

constexpr Duration kHttpIdleMax = std::chrono::seconds(10);
constexpr Duration kHttpLifeMax = std::chrono::seconds(10);

constexpr std::size_t kHttpHeadMax = 64 << 10;  // bytes of the head of an answer

// Whom an https:// server that is not ours is believed to be: TLS 1.2 or later.
struct WebTrust {
  std::filesystem::path authority = {};  // PEM; "": the machine's own list
  bool unchecked = false;                // whoever answers
  bool operator==(const WebTrust&) const = default;
};

struct HttpCall {
  std::string method = "GET";
  std::string url;
  std::string body = {};   // sent as application/json when not empty
  std::string token = {};  // sent as a bearer token when not empty
  std::map<std::string, std::string> headers = {};
  Duration connect_timeout = std::chrono::seconds(1);
  Duration timeout = std::chrono::seconds(5);  // whole call
  std::size_t body_max = 4 << 20;
  bool new_connection = false;  // not one that is kept; it is kept afterwards
  // A connection of its own, which ends with a reset: it leaves no TIME_WAIT, of which hundreds a
  // second would use up the ports.
  bool one_off = false;
  std::string keep_header = {};               // name of a header of the answer to hand back
  bool keep_cookies = false;                  // hand back what the answer sets
  Duration life_max = kHttpLifeMax;           // of the connection that it may use
  std::optional<MonoTime> opened_since = {};  // which is not from before that
  // For an https:// url: who we are and whom we believe, read anew for each connection.
  std::shared_ptr<const TlsFiles> tls = {};
  // The server's Unix socket, in place of what the url says to connect to ("http://localhost/...").
  std::filesystem::path unix_socket = {};
  std::string local_address = {};            // of this machine, that the call comes from; "": any
  std::shared_ptr<const WebTrust> web = {};  // the same for servers that are not ours
  // Which name the certificate of the other side must have, when not that of the url: "n-1" at
  // https://10.0.0.1:17701. It is also what the Host header then says.
  std::string server_name = {};
  // Over `tls`, whom its certificate must name, or nothing is sent: "node/n-1"; "controller/": any
  // of that role. "": anybody that the authority signed for the name.
  std::string peer = {};
  // Without TLS, a token goes on this machine to nobody but root, our own user and this one:
  // whoever took the port of a program that is restarting is not told it.
  std::optional<std::uint32_t> token_owner = {};
};

// True for http:// to anything but a loopback address: whoever reads that network reads the token,
// too. As libcurl reads the url; one that it cannot read counts as such.
bool is_clear_beyond_host(const std::string& url);

// In the message when the other side ended a connection over our certificate.
inline constexpr std::string_view kCertificateNotAccepted = "it does not accept our certificate";

struct HttpReply {
  int status = 0;
  std::string body;
  Duration took{};
  bool connected = false;                 // for this call, rather than on a kept connection
  std::string header = {};                // value of `keep_header`; "" when the answer has none
  std::vector<std::string> cookies = {};  // "name=value", of `keep_cookies`
};

// Errors say what may have happened at the other end:
//   kUnavailable  never sent, on no connection: the request was surely not acted on
//   kTimeout      sent, no whole answer in time or the connection broke: unknown; also when a call
//                 with an effect was sent again by itself and that was refused (429, 5xx)
//   kInvalid      the call itself is malformed; kRefused: the answer is too large, head or body
class HttpClient {  // one thread at a time; keeps its connection
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  Result<HttpReply> send(const HttpCall& call);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class HttpFleet {
 public:
  using Done = std::function<void(Result<HttpReply>)>;  // on the thread `fleet`; must not block

  struct Options {
    std::size_t in_flight_max = 256;   // more wait in order
    std::size_t waiting_max = 10'000;  // beyond: `done` gets kRefused
    std::size_t connections_max = 1'024;
    // For whoever lives on this thread, too: called after each lot of `done`, after ring(), and
    // when the time is there that it returned. Must not block.
    std::function<MonoTime()> turn = {};
  };
  explicit HttpFleet(Options options);
  ~HttpFleet();  // stop()
  HttpFleet(const HttpFleet&) = delete;
  HttpFleet& operator=(const HttpFleet&) = delete;
  void start(HttpCall call, Done done);  // any thread
  void ring();                           // any thread: it is our turn
  void stop();                           // cancels what is under way: `done` gets kTimeout

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
