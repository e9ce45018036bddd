// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/base/serve.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <set>

#include "core/base/text.h"
#include "core/io/log.h"
#include "core/io/signals.h"
#include "platform/http/beast_reader.h"
#include "platform/storefront/base/metrics.h"
#include "platform/storefront/base/role.h"
#include "platform/storefront/base/trace.h"

namespace panshi::shop {
namespace {

bool parse_host_port(std::string_view text, HostPort& out) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const char* first = text.data() + colon + 1;
  const char* last = text.data() + text.size();
  unsigned port = 0;
  const auto [end, error] = std::from_chars(first, last, port);
  if (error != std::errc() || end != last || port == 0 || port > 65'535) return false;
  out = {std::string(text.substr(0, colon)), static_cast<std::uint16_t>(port)};
  return true;
}

void check_host_port(Fields& in, const char* key, const std::string& text, HostPort& out) {
  if (!text.empty() && !parse_host_port(text, out)) {
    in.problem(key, cat("must be \"address:port\", got \"", text, "\""));
  }
}

}  // namespace

void need_host_port(Fields& in, const char* key, HostPort& out) {
  std::string text;
  in.need(key, text);
  check_host_port(in, key, text, out);
}

void may_host_port(Fields& in, const char* key, HostPort& out) {
  std::string text;
  in.may(key, text);
  check_host_port(in, key, text, out);
}

void need_host_ports(Fields& in, const char* key, std::vector<HostPort>& out) {
  constexpr std::size_t kMax = 32;
  in.need_each(key, [&](const nlohmann::json& item, const std::string& path) {
    HostPort address;
    if (!item.is_string() || !parse_host_port(item.get<std::string>(), address)) {
      in.problems().add(path, cat("must be \"address:port\", got ", item.dump()));
    }
    out.push_back(std::move(address));
  });
  if (out.size() > kMax) in.problem(key, cat("more than ", kMax));
}

void read_listen(Fields& in, ListenConfig& config) {
  HostPort listen;
  need_host_port(in, "listen", listen);
  config.address = listen.host;
  config.port = listen.port;
  in.may("threads", config.threads, {1, 256});
  in.may("hosts", config.hosts);
  in.may("proxies", config.proxies);
}

HttpResponse refusal(int status, const std::string& code, const std::string& why) {
  return json_response({{"code", code}, {"error", why}}, status);
}

HttpServer::Options server_options(const ListenConfig& config) {
  HttpServer::Options options;
  options.address = config.address;
  options.port = static_cast<std::uint16_t>(config.port);
  options.threads = static_cast<unsigned>(config.threads);
  options.body_max = 64 << 10;
  options.allowed_hosts = config.hosts;
  options.proxies = config.proxies;
  options.reader = beast_reader;
  return options;
}

std::string query_text(const HttpRequest& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string() : found->second;
}

std::int64_t query_number(const HttpRequest& request, const std::string& name,
                          std::int64_t otherwise) {
  const std::string text = query_text(request, name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && value >= 0;
  return whole ? value : otherwise;
}

bool came_over_tls(const HttpRequest& request) {
  return request.header("x-forwarded-proto") == "https";
}

MonoTime deadline_of(const HttpRequest& request, Duration max) {
  const std::string header = request.header("x-deadline-ms");
  std::int64_t ms = 0;
  const char* last = header.data() + header.size();
  const auto [end, error] = std::from_chars(header.data(), last, ms);
  const bool given = !header.empty() && error == std::errc() && end == last && ms >= 0;
  const std::int64_t max_ms = std::chrono::duration_cast<std::chrono::milliseconds>(max).count();
  const MonoTime arrived = request.arrived == MonoTime{} ? SystemClock().mono() : request.arrived;
  return arrived + std::chrono::milliseconds(given ? std::min(ms, max_ms) : max_ms);
}

HttpServer::Handler in_time(Duration max, HttpServer::Handler handler) {
  return [max, handler = std::move(handler)](const HttpRequest& request) {
    if (deadline_of(request, max) <= SystemClock().mono()) {
      return refusal(503, "no_time", "the caller's deadline has passed");
    }
    return handler(request);
  };
}

namespace {

// Measures and traces what people asked for; not the probes, which ask twenty times a second.
HttpResponse observed(const HttpRequest& request, const std::string& pattern,
                      const HttpServer::Handler& handler) {
  static const std::set<std::string_view> kOwn = {"/healthz", "/status", "/metrics", "/spans"};
  if (kOwn.contains(pattern)) return handler(request);
  SpanScope span =
      SpanScope::server(cat(request.method, " ", pattern), request.header("traceparent"));
  const MonoTime began = SystemClock().mono();
  HttpResponse response = handler(request);
  process_metrics().observe(request.method, pattern, response.status, SystemClock().mono() - began);
  span.set_outcome(cat(response.status));
  return response;
}

// ?trace=ID: the spans of that trace; without: which traces were slow here.
HttpResponse spans(const HttpRequest& request) {
  const auto trace = request.query.find("trace");
  if (trace == request.query.end()) {
    return json_response({{"slow", process_spans().slow_traces()}});
  }
  nlohmann::json list = nlohmann::json::array();
  for (const Span& span : process_spans().of_trace(trace->second)) list.push_back(to_json(span));
  return json_response({{"spans", list}});
}

}  // namespace

namespace {

void add_health(HttpServer& server, const std::function<Health()>& healthy) {
  server.route("GET", "/healthz", [&healthy](const HttpRequest&) {
    const Health health = healthy();
    return json_response({{"ok", health.ok}, {"why", health.why}}, health.ok ? 200 : 503);
  });
}

void add_insight(HttpServer& server, const std::string& role,
                 const std::function<nlohmann::json()>& status) {
  const auto whole_status = [&status] {
    nlohmann::json json = status();
    json["slow_traces"] = process_spans().slow_count();
    return json;
  };
  server.route("GET", "/status",
               [whole_status](const HttpRequest&) { return json_response(whole_status()); });
  server.route("GET", "/metrics", [whole_status, role](const HttpRequest&) {
    HttpResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = process_metrics().text(role, whole_status());
    return response;
  });
  server.route("GET", "/spans", spans);
}

}  // namespace

int serve_until_stopped(const std::string& role, HttpServer& server,
                        const std::function<Health()>& healthy,
                        const std::function<nlohmann::json()>& status,
                        std::optional<OpsServer> ops) {
  add_health(server, healthy);
  HttpServer* const inside = ops ? ops->server : &server;
  if (inside != nullptr) add_insight(*inside, role, status);
  server.set_around(observed);

  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  const StopSignal on_signal([&](int) {
    const std::lock_guard lock(mutex);
    stopping = true;
    changed.notify_all();
  });
  // Customers last: whoever sees them served finds the rest there, too.
  std::vector<HttpServer*> servers = {&server};
  if (inside != nullptr && inside != &server) servers.insert(servers.begin(), inside);
  for (HttpServer* each : servers) {
    if (auto started = each->start(); !started) {
      log_error(cat(role, ": ", started.error().message));
      return kExitFailed;
    }
  }
  log_info(cat(role, " listens on port ", server.port()));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return stopping; });
  }
  for (HttpServer* each : servers) each->stop();
  log_info(cat(role, " stopped"));
  return kExitOk;
}

}  // namespace panshi::shop
