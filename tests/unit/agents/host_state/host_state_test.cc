// SPDX-License-Identifier: Apache-2.0
// The promise under test: a host that nobody has touched looks the same twice, and whatever a fault
// can leave behind shows.
#include "agents/host_state/host_state.h"

#include <catch2/catch.hpp>

#include "agents/host_state/parse.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

TEST_CASE("packet counts of iptables are no difference, its rules are") {
  const std::string quiet = "# Generated\n*filter\n:INPUT ACCEPT [12:345]\nCOMMIT\n# Done\n";
  const std::string busy = "# Generated\n*filter\n:INPUT ACCEPT [99:9999]\nCOMMIT\n# Done\n";
  CHECK(read_iptables(quiet) == Lines{"*filter", ":INPUT ACCEPT"});
  CHECK(read_iptables(quiet) == read_iptables(busy));
  CHECK(read_iptables("*filter\n:INPUT ACCEPT [1:1]\n-A INPUT -p tcp -j DROP\n").back() ==
        "-A INPUT -p tcp -j DROP");
}

TEST_CASE("a discipline is its place, its kind and what it was told") {
  CHECK(read_qdiscs(R"([{"kind":"tbf","handle":"7a5:","dev":"lo","root":true,"refcnt":2,
                         "options":{"rate":131072}},
                        {"kind":"fq_codel","handle":"0:","dev":"eth0","parent":":1"}])") ==
        Lines{R"(lo root tbf 7a5: {"rate":131072})", "eth0 :1 fq_codel 0: {}"});
}

TEST_CASE("what a discipline has counted is no difference") {
  CHECK(read_qdiscs(R"([{"kind":"htb","handle":"5f41:","dev":"lo","root":true,
                         "options":{"default":"0x2","direct_packets_stat":71}}])") ==
        Lines{R"(lo root htb 5f41: {"default":"0x2"})"});
}

TEST_CASE("what tc says and is no list of disciplines is an error, not a host without any") {
  CHECK_FALSE(read_qdiscs("no json"));
  CHECK_FALSE(read_qdiscs("{}"));
  CHECK(read_qdiscs("[]") == Lines{});
  std::string many = "[";
  for (int i = 0; i < 20'000; ++i) {
    many += R"({"kind":"fq_codel","handle":"0:","dev":"veth123456789","options":{"limit":1024}},)";
  }
  many += R"({"kind":"tbf","handle":"1:","dev":"last"}])";
  REQUIRE(read_qdiscs(many));
  CHECK(read_qdiscs(many)->size() == 20'001);
}

TEST_CASE("a mount is its place and what is mounted there, whatever its number") {
  const char* line = "36 35 98:0 /root/hosts /etc/hosts rw,noatime shared:1 - ext4 /dev/sda1 rw\n";
  const char* again = "77 35 98:0 /root/hosts /etc/hosts rw,noatime - ext4 /dev/sda1 rw\n";
  CHECK(read_mounts(line) == Lines{"/etc/hosts ext4 /dev/sda1 /root/hosts rw,noatime rw"});
  CHECK(read_mounts(line) == read_mounts(again));
  CHECK(read_mounts("cut off").empty());
}

TEST_CASE("limits are read without their table's head and blanks") {
  CHECK(read_limits("Limit          Soft Limit  Hard Limit  Units\n"
                    "Max open files 1024        4096        files\n") ==
        Lines{"Max open files 1024 4096 files"});
}

TEST_CASE("what is gone and what has come is named with its part") {
  const json before = {{"nft", {"table inet theirs {", "}"}},
                       {"services", {{"shop", {"running", "stopped processes 0"}}}}};
  json after = before;
  CHECK(host_state_differences(before, after).empty());
  after["nft"].push_back("table inet panshi {");
  after["services"]["shop"][1] = "stopped processes 3";
  CHECK(host_state_differences(before, after) ==
        std::vector<std::string>{"- services.shop: stopped processes 0",
                                 "+ nft: table inet panshi {",
                                 "+ services.shop: stopped processes 3"});
}

TEST_CASE("a line that is there twice and then once is a difference") {
  CHECK(host_state_differences({{"nft", {"}", "}"}}}, {{"nft", {"}"}}}) ==
        std::vector<std::string>{"- nft: }"});
}

TEST_CASE("a part that can no longer be read is a difference, not silence") {
  CHECK(host_state_differences({{"nft", json::array()}}, {{"nft", {{"unavailable", "gone"}}}}) ==
        std::vector<std::string>{"+ nft.unavailable: gone"});
}

}  // namespace
}  // namespace panshi::agent
