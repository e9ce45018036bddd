// SPDX-License-Identifier: Apache-2.0
// The promise under test: packets are cut as ordered and no others, foreign rules stay as they are,
// and rules expire in the kernel when nobody is left. In a network namespace of its own: nothing
// outside is touched.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <future>

#include "agents/faults/fault.h"
#include "agents/faults/fault_book.h"
#include "agents/host/packet_tap.h"
#include "agents/host_state/host_state.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/eventually.h"
#include "tests/support/namespace.h"
#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int kConnectWaitMs = 300;

sockaddr_in at(const char* address, std::uint16_t port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &where.sin_addr);
  return where;
}

int listen_on(const char* address, std::uint16_t port) {
  const sockaddr_in where = at(address, port);
  sockaddr generic{};
  std::memcpy(&generic, &where, sizeof where);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(fd, &generic, sizeof where) != 0 || ::listen(fd, 16) != 0) return -1;
  return fd;
}

// "connected", "refused" or "silence".
std::string knock(const char* address, std::uint16_t port, const char* from = "0.0.0.0") {
  const sockaddr_in where = at(address, port);
  sockaddr generic{};
  std::memcpy(&generic, &where, sizeof where);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const sockaddr_in here = at(from, 0);
  sockaddr source{};
  std::memcpy(&source, &here, sizeof here);
  (void)::bind(fd, &source, sizeof here);
  (void)::connect(fd, &generic, sizeof where);
  pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
  std::string result = "silence";
  if (::poll(&ready, 1, kConnectWaitMs) > 0) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    result = error == 0 ? "connected" : "refused";
  }
  ::close(fd);
  return result;
}

class Node {
 public:
  Node() {
    host.set_scope(
        {.node = "here", .state = folder_ / "state", .address = "127.0.0.9", .port = 17'701});
    book = std::move(*FaultBook::open({.directory = folder_ / "faults"}, host));
  }
  Result<json> put(const std::string& kind, json params) {
    return book->put({.id = "d1.f-1",
                      .epoch = 1,
                      .kind = kind,
                      .target = {{"node", "here"}},
                      .params = std::move(params),
                      .lease = 60s,
                      .drill = {}});
  }
  RealHost host;
  std::unique_ptr<FaultBook> book;

 private:
  TemporaryFolder folder_;
};

// Runs `test` on a thread in a namespace of its own; says so when this machine has none.
void isolated(const std::function<void(Node&)>& test) {
  const auto run = [&] {
    if (!enter_own_network()) {
      skip_case("no network namespace can be made here (root is needed)");
    }
    Node node;
    if (const std::string why = node.host.network().why_no_rules(); !why.empty()) {
      skip_case(why);
    }
    const int one = listen_on("127.0.0.2", 8'000);
    const int two = listen_on("127.0.0.3", 8'000);
    const int agent = listen_on("127.0.0.9", 17'701);
    const json before = take_network_state();
    test(node);
    CHECK(host_state_differences(before, take_network_state()).empty());
    for (const int fd : {one, two, agent}) ::close(fd);
  };
  std::async(std::launch::async, run).get();  // a failed REQUIRE comes out here
}

TEST_CASE("a partition cuts one address off, each way as ordered, and nobody else") {
  const std::string direction = GENERATE("both", "in", "out");
  INFO(direction);
  isolated([&](Node& node) {
    const auto live =
        node.put("network.partition", {{"address", "127.0.0.2"}, {"direction", direction}});
    REQUIRE(live);
    CHECK(live->at("state") == "live");
    CHECK(knock("127.0.0.2", 8'000) == "silence");
    CHECK(knock("127.0.0.3", 8'000) == "connected");
    const auto ended = node.book->revert("d1.f-1");
    REQUIRE(ended);
    CHECK(ended->at("measured").at("packets") > 0);
    CHECK(knock("127.0.0.2", 8'000) == "connected");
  });
}

// A datagram to the address; whether it was let out.
bool let_out(const char* address) {
  const sockaddr_in where = at(address, 9'000);
  sockaddr generic{};
  std::memcpy(&generic, &where, sizeof where);
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool sent = ::sendto(fd, "x", 1, 0, &generic, sizeof where) == 1;
  ::close(fd);
  return sent;
}

TEST_CASE("a share of the packets to an address is lost, as large as ordered, and none elsewhere") {
  isolated([](Node& node) {
    const auto live =
        node.put("network.loss", {{"address", "127.0.0.2"}, {"direction", "out"}, {"percent", 30}});
    REQUIRE(live);
    REQUIRE(live->at("state") == "live");
    int lost = 0;
    for (int i = 0; i < 2'000; ++i) {
      if (!let_out("127.0.0.2")) ++lost;
      REQUIRE(let_out("127.0.0.3"));
    }
    const auto ended = node.book->revert("d1.f-1");
    REQUIRE(ended);
    INFO(*ended);
    const json effect = ended->at("measured").at("effects").at(0);
    CHECK(ended->at("measured").at("packets") == lost);
    CHECK(effect.at("measured").get<double>() == Approx(lost / 20.0));
    CHECK(effect.at("met") == true);
    CHECK(let_out("127.0.0.2"));
  });
}

TEST_CASE("a controller that is cut off still reaches the agent, and only the agent") {
  isolated([](Node& node) {
    REQUIRE(node.put("network.partition", {{"address", "127.0.0.2"}}));
    CHECK(knock("127.0.0.9", 17'701, "127.0.0.2") == "connected");
    CHECK(knock("127.0.0.3", 8'000, "127.0.0.2") == "silence");
    REQUIRE(node.book->revert("d1.f-1"));
  });
}

TEST_CASE("a port is dropped with silence or rejected with a reset") {
  isolated([](Node& node) {
    REQUIRE(node.put("network.port-reject", {{"port", 8'000}}));
    CHECK(knock("127.0.0.2", 8'000) == "refused");
    CHECK(knock("127.0.0.9", 17'701) == "connected");
    REQUIRE(node.book->revert("d1.f-1"));
  });
  isolated([](Node& node) {
    REQUIRE(node.put("network.port-drop", {{"port", 8'000}}));
    CHECK(knock("127.0.0.2", 8'000) == "silence");
    REQUIRE(node.book->revert("d1.f-1"));
  });
}

TEST_CASE("the agent's port and ssh cannot be dropped") {
  isolated([](Node& node) {
    const auto ssh = node.put("network.port-drop", {{"port", 22}});  // no node has it broken
    REQUIRE_FALSE(ssh);
    CHECK(ssh.error().code == ErrorCode::kInvalid);
    const auto agent = node.put("network.port-drop", {{"port", 17'701}});
    REQUIRE_FALSE(agent);
    CHECK(agent.error().code == ErrorCode::kRefused);
  });
}

TEST_CASE("a rate is limited by a discipline of ours, and one of somebody else is not touched") {
  isolated([](Node& node) {
    const auto live = node.put("network.rate", {{"interface", "lo"}, {"rate", "128KiB"}});
    REQUIRE(live);
    CHECK(live->at("measured").at("in_force") == true);
    CHECK_THAT(output_of({"tc", "qdisc", "show", "dev", "lo"}), Catch::Contains("rate 1048"));
    REQUIRE(node.book->revert("d1.f-1"));
  });
  isolated([](Node& node) {
    (void)output_of({"tc", "qdisc", "add", "dev", "lo", "root", "handle", "1:", "htb"});
    const auto refused = node.put("network.rate", {{"interface", "lo"}});
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Catch::Contains("htb"));
    CHECK_THAT(output_of({"tc", "qdisc", "show", "dev", "lo"}), Catch::Contains("htb 1:"));
    (void)output_of({"tc", "qdisc", "del", "dev", "lo", "root"});
  });
}

// Bytes that went through the shaped class, whatever its discipline.
std::int64_t shaped_bytes() {
  for (const json& each :
       json::parse(output_of({"tc", "-s", "-j", "qdisc", "show", "dev", "lo"}))) {
    if (each.value("kind", "") == "tbf") return each.value("bytes", std::int64_t{-1});
  }
  return -1;
}

TEST_CASE("an interface that is shaped lets this agent's port and ssh through, both ways") {
  isolated([](Node& node) {
    const int agent = listen_on("127.0.0.9", 17'701);
    const int ssh = listen_on("127.0.0.1", 22);
    const int service = listen_on("127.0.0.1", 8'080);
    REQUIRE(node.host.network().set_discipline(
        "lo", {"tbf", "rate", "64kbit", "burst", "32kb", "latency", "400ms"}));
    CHECK(knock("127.0.0.9", 17'701) == "connected");
    CHECK(knock("127.0.0.1", 22) == "connected");
    CHECK(shaped_bytes() == 0);
    CHECK(knock("127.0.0.1", 8'080) == "connected");
    CHECK(shaped_bytes() > 0);
    REQUIRE(node.host.network().clear_discipline("lo"));
    CHECK_THAT(output_of({"tc", "qdisc", "show", "dev", "lo"}), Catch::Contains("noqueue"));
    for (const int each : {agent, ssh, service}) ::close(each);
  });
}

TEST_CASE("an agent that listens on every address is not cut off either") {
  isolated([](Node& node) {
    TemporaryFolder folder;
    node.book.reset();
    node.host.set_scope(
        {.node = "here", .state = folder / "state", .address = "0.0.0.0", .port = 17'701});
    const int agent = listen_on("127.0.0.9", 17'701);
    const auto held = node.host.network().start_rules("f1", {.address = "127.0.0.8"});
    REQUIRE(held);
    CHECK(knock("127.0.0.9", 17'701, "127.0.0.8") == "connected");
    REQUIRE(node.host.network().end_rules("f1"));
    ::close(agent);
  });
}

TEST_CASE("what is another agent's in the kernel is not taken for ours, however alike the names") {
  isolated([](Node& node) {
    RealHost other;
    TemporaryFolder folder;
    // Of `here`, a fault `x_f1` and of `here_x`, a fault `f1` would once have had one table.
    other.set_scope({.node = "here_x", .state = folder / "state"});
    const auto theirs = other.network().start_rules("f1", {.address = "192.0.2.1"});
    const auto ours = node.host.network().start_rules("x_f1", {.address = "192.0.2.1"});
    REQUIRE(theirs);
    REQUIRE(ours);
    CHECK(node.host.network().rules() == std::vector<std::string>{"x_f1"});
    CHECK(other.network().rules() == std::vector<std::string>{"f1"});
    REQUIRE(node.host.network().end_rules("x_f1"));
    CHECK(other.network().rules() == std::vector<std::string>{"f1"});
    REQUIRE(other.network().end_rules("f1"));

    REQUIRE(other.network().set_discipline("lo", {"pfifo"}));
    CHECK_FALSE(node.host.network().is_ours("lo"));
    REQUIRE(node.host.network().clear_discipline("lo"));
    CHECK(other.network().is_ours("lo"));
    CHECK(node.host.network().discipline("lo").value() == "htb");
    REQUIRE(other.network().clear_discipline("lo"));
  });
}

TEST_CASE("a rate is measured on packets of our own while it is in force") {
  isolated([](Node& node) {
    Problems problems;
    const FaultKind& kind = **find_kind("network.rate");
    const auto request = read_request(kind, "f1", {{"node", "here"}},
                                      {{"interface", "lo"}, {"rate", "128KiB"}}, problems);
    const auto rate = kind.make(request, node.host);
    const json resolved = rate->resolve().value();
    REQUIRE(rate->apply(resolved));
    CHECK(eventually([&] { return rate->measure(resolved).contains("effects"); }));
    const json measured = rate->measure(resolved);
    INFO(measured);
    CHECK(measured.at("in_force") == true);
    CHECK(measured.at("effects").at(0).at("asked") == 128 << 10);
    CHECK(measured.at("effects").at(0).at("met") == true);
    REQUIRE(rate->revert(resolved));
  });
}

TEST_CASE("packets that leave an interface unhindered are seen, each once, whole and at once") {
  isolated([](Node& node) {
    const auto seen = node.host.network().look_at({.interface = "lo", .packets = 50});
    REQUIRE(seen);
    CHECK(percent_of(*seen, [](const TappedPacket& each) { return each.times == 1; }) == 100);
    CHECK(percent_of(*seen, [](const TappedPacket& each) { return each.damaged; }) == 0);
    CHECK(node.host.network().look_at({.interface = "none0"}).error().code == ErrorCode::kNotFound);
  });
}

TEST_CASE("packets that a full queue drops are counted as lost") {
  isolated([](Node& node) {
    // 4 KiB go at once, 2 more wait for a slow bucket; the rest is dropped.
    (void)output_of({"tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "8kbit", "burst",
                     "4kb", "limit", "2kb"});
    const auto seen = node.host.network().look_at(
        {.interface = "lo", .packets = 100, .size = 1'000, .spacing = 0us, .patience = 10ms});
    (void)output_of({"tc", "qdisc", "del", "dev", "lo", "root"});
    REQUIRE(seen);
    CHECK(percent_of(*seen, [](const TappedPacket& each) { return each.times == 0; }) >= 90);
    CHECK(percent_of(*seen, [](const TappedPacket& each) { return each.times == 1; }) >= 3);
  });
}

TEST_CASE("what the kernel cannot do is refused with the reason") {
  isolated([](Node& node) {
    const std::string why = node.host.network().why_no_discipline("netem");
    if (why.empty()) {
      skip_case("this kernel has netem");
    }
    const auto refused = node.put("network.delay", {{"interface", "lo"}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == why);
  });
}

TEST_CASE("packet rules have an end of their own in the kernel, and foreign tables stay") {
  isolated([](Node& node) {
    (void)output_of({"nft", "table inet theirs { chain c { }; }"});
    REQUIRE(node.put("network.partition", {{"address", "127.0.0.2"}}));
    CHECK_THAT(output_of({"nft", "list", "table", "inet", node.host.network().table_of("d1.f-1")}),
               Catch::Contains("127.0.0.2 timeout 10s expires"));
    CHECK(node.host.network().rules() == std::vector<std::string>{"d1.f-1"});
    REQUIRE(node.book->revert("d1.f-1"));
    CHECK_THAT(output_of({"nft", "list", "tables"}), Catch::Contains("theirs"));
    (void)output_of({"nft", "delete table inet theirs"});
  });
}

}  // namespace
}  // namespace panshi::agent
