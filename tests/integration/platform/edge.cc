// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/platform/edge.h"

#include <fstream>
#include <stdexcept>

#include "core/base/text.h"
#include "core/io/proxy_header.h"
#include "core/json/fields.h"
#include "tests/support/eventually.h"
#include "tests/support/raw_http.h"
#include "tests/support/secret_file.h"
#include "tests/support/shop_session.h"

namespace panshi {
namespace {

HttpResponse yes(const HttpRequest&) { return json_response({{"state", "paid"}}); }

std::uint16_t free_port() {
  HttpServer server({});
  if (!server.start()) throw std::runtime_error("no free port");
  return server.port();
}

std::string session_for(const std::string& request) {
  const std::string user = user_named_in(request);
  return session_cookie(user.empty() ? "u" : user);
}

std::string body_of(const std::string& answer) {
  const auto end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

}  // namespace

Edge::Edge(const std::string& lines) : orders_answer_(yes), payments_answer_(yes) {
  for (const char* path : {"/api/products", "/api/orders", "/api/orders/{order}"}) {
    orders_.route("GET", path, [this](const HttpRequest& r) { return answer(r, orders_answer_); });
  }
  orders_.route("POST", "/api/orders",
                [this](const HttpRequest& r) { return answer(r, orders_answer_); });
  payments_.route("POST", "/api/orders/{order}/pay",
                  [this](const HttpRequest& r) { return answer(r, payments_answer_); });
  for (HttpServer* server : {&orders_, &payments_}) {
    server->route("GET", "/healthz", [](const HttpRequest&) { return json_response({}); });
    if (!server->start()) throw std::runtime_error("upstream");
  }
  port_ = start_gateway(lines);
}

HttpResponse Edge::answer(const HttpRequest& request, const HttpServer::Handler& handler) {
  ++calls_;
  HttpServer::Handler now;
  {
    const std::lock_guard lock(mutex_);
    now = handler;
  }
  return now(request);
}

void Edge::orders_answer(HttpServer::Handler handler) {
  const std::lock_guard lock(mutex_);
  orders_answer_ = std::move(handler);
}
void Edge::payments_answer(HttpServer::Handler handler) {
  const std::lock_guard lock(mutex_);
  payments_answer_ = std::move(handler);
}

std::uint16_t Edge::start_gateway(const std::string& lines) {
  const std::uint16_t port = free_port();
  const std::uint16_t ops = ops_[port] = free_port();
  const auto file = folder_ / cat("gateway-", port, ".yaml");
  std::ofstream(file) << "listen: \"127.0.0.1:" << port << "\"\nops: \"127.0.0.1:" << ops
                      << "\"\norders: \"127.0.0.1:" << orders_.port()
                      << "\"\npayments: \"127.0.0.1:" << payments_.port() << "\"\n"
                      << lines;
  if (lines.find("marker_key") == std::string::npos) {
    std::ofstream(file, std::ios::app)
        << "marker_key: " << secret_named(folder_.path(), kShopKey, "edges.secret") << "\n";
  }
  gateways_[port] = std::make_unique<Child>(
      std::vector<std::string>{PANSHI_BIN_DIR "/storefront", "gateway", "--config", file.string()},
      folder_ / "gateway.log");
  const bool up = eventually([&] {
    return raw_status(raw_http(port, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")) == 200;
  });
  if (!up) throw std::runtime_error("the gateway does not come up");
  return port;
}

std::string Edge::send(const std::string& head, const std::string& body, std::uint16_t port) {
  std::string bytes;
  for (const char c : head) bytes += c == '\n' ? "\r\n" : std::string(1, c);
  bytes += "\r\nHost: 127.0.0.1\r\n";
  if (signs) {
    const std::string_view name = "\r\nCookie: ";
    const auto cookies = bytes.find(name);
    if (cookies == std::string::npos) {
      bytes += cat("Cookie: ", session_for(head + body), "\r\n");
    } else {
      bytes.insert(cookies + name.size(), session_for(head + body) + "; ");
    }
  }
  if (head.starts_with("POST")) bytes += cat("Content-Length: ", body.size(), "\r\n");
  return raw_http(port == 0 ? port_ : port, bytes + "\r\n" + body);
}

std::string Edge::place(const std::string& key, const std::string& user,
                        const std::string& headers) {
  return send(cat("POST /api/orders HTTP/1.1\nIdempotency-Key: ", key, headers),
              dump_json({{"user", user}, {"product", "music-month"}}));
}

std::string Edge::place_through(const std::string& customer, const std::string& key,
                                const std::string& headers) {
  const bool six = customer.find(':') != std::string::npos;
  const std::string body = dump_json({{"user", "u"}, {"product", "music-month"}});
  const std::string bytes =
      cat(proxy_header(2, ProxyOrigin{{customer, 7}, {six ? "::1" : "127.0.0.1", port_}}),
          "POST /api/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nIdempotency-Key: ", key,
          "\r\nCookie: ", session_cookie("u"), headers, "\r\nContent-Length: ", body.size(),
          "\r\n\r\n", body);
  return raw_http(port_, bytes, "127.0.0.1", kProxy);
}

std::string Edge::pay(const std::string& order, const std::string& user,
                      const std::string& headers) {
  return send(
      cat("POST /api/orders/", order, "/pay HTTP/1.1\nIdempotency-Key: pay-", order, headers),
      dump_json({{"user", user}, {"amount_cents", 1'500}}));
}

std::string Edge::look(const std::string& order, const std::string& headers, std::uint16_t port) {
  return send(cat("GET /api/orders/", order, "?user=u HTTP/1.1", headers), "", port);
}

nlohmann::json Edge::status(std::uint16_t port) {
  const auto json =
      parse_json(body_of(send("GET /status HTTP/1.1", "", ops_.at(port == 0 ? port_ : port))));
  if (!json) throw std::runtime_error("no status");
  return *json;
}

std::string header_in(const std::string& answer, const std::string& name) {
  const auto start = answer.find(cat("\r\n", name, ": "));
  if (start == std::string::npos) return "";
  const auto value = start + name.size() + 4;
  return answer.substr(value, answer.find("\r\n", value) - value);
}

}  // namespace panshi
