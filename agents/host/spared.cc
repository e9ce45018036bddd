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

}  // namespace

std::string nft_exceptions(const FaultScope& scope, bool incoming) {
  const std::string port = incoming ? "tcp dport " : "tcp sport ";
  std::string all = cat(" ", port, kSsh, " accept;");
  if (scope.port == 0) return all;
  std::string whose;
  if (!is_any(scope.address)) {
    whose = cat(is_six(scope.address) ? "ip6 " : "ip ", incoming ? "daddr " : "saddr ",
                scope.address, " ");
  }
  return cat(" ", whose, port, scope.port, " accept;", all);
}

std::vector<std::vector<std::string>> tc_matches(const FaultScope& scope) {
  std::vector<std::vector<std::string>> all;
  for (const bool from_here : {true, false}) {
    for (const bool six : {false, true}) {
      add_match(all, six, "", kSsh, from_here);
      if (scope.port == 0) continue;
      if (is_any(scope.address) || is_six(scope.address) == six) {
        add_match(all, six, scope.address, scope.port, from_here);
      }
    }
  }
  return all;
}

}  // namespace panshi::agent
