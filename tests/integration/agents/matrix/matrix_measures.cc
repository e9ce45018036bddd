// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/agents/matrix/matrix_measures.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <map>
#include <stdexcept>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/json/fields.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::uint16_t kDatabaseLink = 27'901;
constexpr std::uint16_t kBehindDatabase = 27'902;
constexpr std::uint16_t kWebLink = 27'903;
constexpr std::uint16_t kBehindWeb = 27'904;
constexpr std::uint16_t kBrokenPort = 8'080;
constexpr std::size_t kBodySize = 600'000;
constexpr int kPackets = 400;
constexpr const char* kNameServer = "127.0.0.53";

HttpServer::Options at(const std::string& address, std::uint16_t port) {
  HttpServer::Options options;
  options.address = address;
  options.port = port;
  return options;
}

void serve(HttpServer& server) {
  server.route_open("GET", "/", [](const HttpRequest&) {
    HttpResponse response;
    response.body = std::string(kBodySize, 'x');
    return response;
  });
  if (auto started = server.start(); !started) throw std::runtime_error(started.error().message);
}

void send_to(const char* address, std::uint16_t port, bool tcp) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &where.sin_addr);
  sockaddr generic{};
  std::memcpy(&generic, &where, sizeof where);
  const int kind = tcp ? SOCK_STREAM : SOCK_DGRAM;
  const int fd = ::socket(AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  (void)::connect(fd, &generic, sizeof where);
  if (!tcp) (void)::send(fd, "x", 1, 0);
  ::close(fd);
}

double number(const json& measured, const char* name) {
  const auto found = measured.find(name);
  return found != measured.end() && found->is_number() ? found->get<double>() : -1;
}
bool is(const json& measured, const char* name, bool value) {
  const auto found = measured.find(name);
  return found != measured.end() && *found == value;
}

using Check = std::function<bool(const json& measured)>;

Check at_least_one(const char* name) {
  return [name](const json& measured) { return number(measured, name) >= 1; };
}
Check all_of_them(const char* name) {
  return [name](const json& measured) {
    return number(measured, "processes") >= 1 &&
           number(measured, name) == number(measured, "processes");
  };
}
Check says(const char* name, bool value = true) {
  return [name, value](const json& measured) { return is(measured, name, value); };
}

bool is_about_time(const std::string& unit) {
  return unit == "ms" || unit == "/s" || unit == "bytes/s";
}

bool effects_met(const json& measured) {
  const json effects = measured.value("effects", json::array());
  for (const json& effect : effects) {
    const double asked = effect.at("asked");
    const double got = effect.at("measured");
    const std::string unit = effect.at("unit");
    if (is_about_time(unit)) {
      if (unit == "ms" ? got < asked - effect.at("tolerance").get<double>() : got <= 0)
        return false;
    } else if (effect.at("what") == "cpu") {
      if (got <= 0) return false;
    } else if (effect.at("met") != true) {
      return false;
    }
  }
  return !effects.empty();
}

const std::map<std::string, Check>& checks() {
  static const std::map<std::string, Check> kChecks = {
      {"db.disconnect", at_least_one("accounts_locked")},
      {"db.exhaust-connections",
       [](const json& m) { return number(m, "connected") >= number(m, "allowed"); }},
      {"db.lock-table", says("locked")},
      {"db.metadata-lock", says("locked")},
      {"db.primary-kill", all_of_them("gone")},
      {"db.read-only", says("read_only")},
      {"db.refuse-new", at_least_one("accounts_locked")},
      {"db.replication-stop",
       [](const json& m) { return is(m, "fetches", false) && is(m, "applies", false); }},
      {"dns.answer", at_least_one("queries")},
      {"dns.failure", at_least_one("queries")},
      {"http.body", at_least_one("touched")},
      {"http.header", at_least_one("touched")},
      {"http.status", at_least_one("touched")},
      {"link.blackhole", at_least_one("touched")},
      {"link.down", says("down")},
      {"link.limit", at_least_one("touched")},
      {"link.reset", says("down", false)},
      {"link.reset-peer", at_least_one("touched")},
      {"link.slicer", at_least_one("pieces")},
      {"network.damage", says("in_force")},
      {"network.delay", says("in_force")},
      {"network.rate", says("in_force")},
      {"network.partition", at_least_one("packets")},
      {"network.port-drop", at_least_one("packets")},
      {"network.port-reject", at_least_one("packets")},
      {"process.crash-loop", at_least_one("kills")},
      {"process.exit-code", all_of_them("gone")},
      {"process.kill", all_of_them("gone")},
      {"process.pause", all_of_them("stopped")},
      {"process.restart", all_of_them("gone")},
      {"queue.consumer-stall", all_of_them("stopped")},
      {"queue.leader-stop", all_of_them("stopped")},
      {"redis.failover", says("primary")},
      {"redis.memory-full", says("full")},
      {"redis.pause-clients", says("paused")},
      {"redis.replication-break", says("linked", false)},
      {"syscall.delay", all_of_them("traced")},
      {"syscall.error", all_of_them("traced")},
  };
  return kChecks;
}

}  // namespace

MatrixTraffic::MatrixTraffic(const std::string& address)
    : address_(address),
      behind_database_(at(address, kBehindDatabase)),
      behind_web_(at(address, kBehindWeb)) {
  serve(behind_database_);
  serve(behind_web_);
}

void MatrixTraffic::use(const std::string& kind) const {
  if (kind.starts_with("link.") || kind.starts_with("http.")) {
    const std::uint16_t port = kind.starts_with("http.") ? kWebLink : kDatabaseLink;
    HttpClient client;
    (void)client.send(
        {.method = "GET", .url = cat("http://", address_, ":", port, "/"), .timeout = 3s});
  }
  if (kind == "network.partition" || kind == "network.loss") {
    for (int i = 0; i < kPackets; ++i) send_to(kFarSide, 9, false);
  }
  if (kind.starts_with("network.port")) send_to("127.0.0.1", kBrokenPort, true);
  if (kind.starts_with("dns.")) send_to(kNameServer, 53, false);
}

bool needs_traffic(const std::string& kind) {
  return kind.starts_with("link.") || kind.starts_with("http.") || kind.starts_with("network.p") ||
         kind.starts_with("dns.") || kind == "network.loss";
}

bool is_measured_at_once(const std::string& kind) {
  return !kind.starts_with("network.") && !kind.starts_with("dns.");
}

std::string not_as_asked(const std::string& kind, const json& measured) {
  const auto check = checks().find(kind);
  const bool good = check == checks().end() ? effects_met(measured) : check->second(measured);
  return good ? "" : cat(kind, " measures ", dump_json(measured));
}

}  // namespace panshi
