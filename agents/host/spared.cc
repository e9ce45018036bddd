// SPDX-License-Identifier: Apache-2.0
#include "agents/host/spared.h"

#include <cstdint>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr std::uint16_t kSsh = 22;

// Who listens on every address is reached by any of them.
bool is_any(const std::string& address) {
  return address.empty() || address == "0.0.0.0" || address == "::";
}
bool is_six(const std::string& address) { return address.find(':') != std::string::npos; }

void add_match(std::vector<std::vector<std::string>>& all, bool six, const std::string& address,
               std::uint16_t port, bool from_here) {
  const std::string ip = six ? "ip6" : "ip";
  std::vector<std::string> words = {"protocol",
                                    six ? "ipv6" : "ip",
                                    "prio",
                                    six ? "2" : "1",
                                    "u32",
                                    "match",
                                    ip,
                                    "protocol",
                                    "6",
                                    "0xff",
                                    "match",
                                    ip,
                                    from_here ? "sport" : "dport",
                                    std::to_string(port),
                                    "0xffff"};
  if (!is_any(address)) {
    words.insert(words.end(), {"match", ip, from_here ? "src" : "dst", address});
  }
  all.push_back(std::move(words));
}

// The agent's port at any address: whoever is cut off from a host whose agent has the same port, on
// this machine or another, still has that agent answer its controller.
std::vector<HostPort> places_of(const FaultScope& scope) {
  std::vector<HostPort> places;
  for (HostPort place : {HostPort{"", scope.port}, scope.controller->at()}) {
    if (place.port != 0) places.push_back(std::move(place));
  }
  return places;
}

}  // namespace

// Both ends of each connection: who calls may be on this machine, too.
std::string nft_exceptions(const FaultScope& scope, bool incoming) {
  std::string all;
  for (const HostPort& place : places_of(scope)) {
    const bool any = is_any(place.host);
    const char* const family = any ? "" : is_six(place.host) ? "ip6 " : "ip ";
    for (const bool from : {false, true}) {
      all += cat(" ", family,
                 any    ? ""
                 : from ? "saddr "
                        : "daddr ",
                 any ? "" : place.host, any ? "" : " ", from ? "tcp sport " : "tcp dport ",
                 place.port, " accept;");
    }
  }
  return cat(all, incoming ? " tcp dport " : " tcp sport ", kSsh, " accept;");
}

std::vector<std::vector<std::string>> tc_matches(const FaultScope& scope) {
  std::vector<std::vector<std::string>> all;
  for (const bool from_here : {true, false}) {
    for (const bool six : {false, true}) {
      add_match(all, six, "", kSsh, from_here);
      for (const HostPort& place : places_of(scope)) {
        if (!is_any(place.host) && is_six(place.host) != six) continue;
        add_match(all, six, place.host, place.port, from_here);
      }
    }
  }
  return all;
}

}  // namespace panshi::agent
