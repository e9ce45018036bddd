// SPDX-License-Identifier: Apache-2.0
// The promise under test: rules that tools for breaking networks leave are found and can be taken
// back by the command that is named; a firewall's own are left in peace.
#include "agents/host/foreign_rules.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr const char* kFirewall =
    "*filter\n:INPUT DROP [0:0]\n:f2b-sshd - [0:0]\n"
    "-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n"
    "-A f2b-sshd -s 192.0.2.9/32 -j REJECT --reject-with icmp-port-unreachable\n"
    "-A INPUT ! -s 10.0.0.0/8 -p tcp --dport 5432 -j DROP\n-A INPUT -j DROP\nCOMMIT\n";

TEST_CASE("a firewall's rules are no leftovers") {
  CHECK(suspects_of_iptables("iptables", kFirewall).empty());
}

TEST_CASE("a rule that loses packets by chance is named with the command that takes it back") {
  const auto found = suspects_of_iptables(
      "ip6tables",
      "*mangle\n-A PREROUTING -m statistic --mode random --probability 0.1 -j DROP\nCOMMIT\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].clear_hint ==
        "ip6tables -t mangle -D PREROUTING -m statistic --mode random --probability 0.1 -j DROP");
  CHECK_THAT(found[0].why, Catch::Contains("by chance"));
}

TEST_CASE("a single address or port that is cut off in the system's own chains is named") {
  const auto found = suspects_of_iptables(
      "iptables",
      "*filter\n-A OUTPUT -d 192.0.2.1/32 -j DROP\n-A INPUT -p tcp --dport 80 -j REJECT\nCOMMIT\n");
  REQUIRE(found.size() == 2);
  CHECK(found[0].rule == "iptables rule -A OUTPUT -d 192.0.2.1/32 -j DROP");
}

TEST_CASE("a random loss of nft is named unless the table is ours") {
  const std::string rule = "\tchain c {\n\t\tnumgen random mod 100 < 5 counter drop\n\t}\n}\n";
  CHECK(suspects_of_nft("table inet chaos {\n" + rule).size() == 1);
  CHECK(suspects_of_nft("table inet panshi_0123456789abcdef_d1.f-1 {\n" + rule).empty());
  for (const char* name : {"panshi_x", "panshi_0123456789abcdef", "panshi_0123456789abcdeg_f"}) {
    CHECK(suspects_of_nft(cat("table inet ", name, " {\n", rule)).size() == 1);
  }
  CHECK(suspects_of_nft("table inet filter {\n\tchain input {\n\t\tdrop\n\t}\n}\n").empty());
}

}  // namespace
}  // namespace panshi::agent
