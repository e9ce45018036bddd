// SPDX-License-Identifier: Apache-2.0
// Serving: what every long-running role does between reading its configuration and its end.
//
// A role comes up at once and answers, with /healthz at 503 until `healthy` says otherwise, so that
// the order in which nodes start does not matter. Ends on SIGTERM or SIGINT.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/http_server.h"
#include "core/json/fields.h"

namespace panshi::shop {

struct ListenConfig {
  std::string address;
  std::int64_t port = 0;
  std::int64_t threads = 16;
  std::vector<std::string> hosts = {};    // by which callers name it, besides the address itself
  std::vector<std::string> proxies = {};  // whose connections begin with a PROXY header
};
// `listen: "127.77.3.1:17721"`, `threads`, `hosts: ["127.77.2.1"]` (the address of the link through
// which it is called: requests for another host are refused), `proxies: ["127.77.1.1"]`.
void read_listen(Fields& in, ListenConfig& config);

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
// "127.77.5.1:17306". Reports a problem at `key` when it is anything else.
void need_host_port(Fields& in, const char* key, HostPort& out);
void may_host_port(Fields& in, const char* key, HostPort& out);
// A list of 1 to 32.
void need_host_ports(Fields& in, const char* key, std::vector<HostPort>& out);

struct Health {
  bool ok = false;
  std::string why;  // when not ok: the dependency that is missing
};

// Adds /healthz, /status, /metrics (metrics.h) and /spans (trace.h) to `server`, starts it, waits
// for a stop signal, stops it. `status` gives flat numbers and short texts. Of a role that
// customers reach, all but /healthz is at `ops`, if there is such a server, and nowhere else. The
// exit status of the process.
struct OpsServer {
  HttpServer* server = nullptr;
};
int serve_until_stopped(const std::string& role, HttpServer& server,
                        const std::function<Health()>& healthy,
                        const std::function<nlohmann::json()>& status,
                        std::optional<OpsServer> ops = std::nullopt);

// {"code","error"} for what the caller can act on.
HttpResponse refusal(int status, const std::string& code, const std::string& why);

// The query parameter `name`: its text, "" when absent; its whole number of 0 or more, else
// `otherwise`.
std::string query_text(const HttpRequest& request, const std::string& name);
std::int64_t query_number(const HttpRequest& request, const std::string& name,
                          std::int64_t otherwise);

// The caller's connection is encrypted as far as the proxy before us says (X-Forwarded-Proto).
// Believed from anybody: it only makes the caller's own cookies stricter.
bool came_over_tls(const HttpRequest& request);

HttpServer::Options server_options(const ListenConfig& config);

// When the caller stops waiting: the header X-Deadline-Ms, at most `max`, after the request arrived
// (the time it waited for a thread counts). A request that never came over a connection arrives
// now.
MonoTime deadline_of(const HttpRequest& request, Duration max);

// A handler that does nothing for a caller who is gone: 503 `no_time` before any work.
constexpr Duration kPatienceMax =
    std::chrono::seconds(60);  // of roles without a deadline of their own
HttpServer::Handler in_time(Duration max, HttpServer::Handler handler);

}  // namespace panshi::shop
