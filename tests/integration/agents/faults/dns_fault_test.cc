// SPDX-License-Identifier: Apache-2.0
// The promise under test: chosen names fail or are answered wrongly, all others are answered by the
// node's own server, and so is everything afterwards. In a network namespace of its own, with a
// name server of the test's own.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <future>
#include <thread>

#include "agents/faults/fault_book.h"
#include "agents/helpers/dns_message.h"
#include "agents/host_state/host_state.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/namespace.h"
#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using nlohmann::json;

constexpr const char* kServer = "127.0.0.53";
const std::string kRight = "\xc6\x33\x64\x07"s;  // what the name server answers

sockaddr server_address() {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(53);
  ::inet_pton(AF_INET, kServer, &at.sin_addr);
  sockaddr generic{};
  std::memcpy(&generic, &at, sizeof at);
  return generic;
}

class NameServer {  // the same address for every name
 public:
  NameServer() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const sockaddr at = server_address();
    REQUIRE(::bind(fd_, &at, sizeof at) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    const sockaddr at = server_address();
    const int last = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)::sendto(last, "end", 3, 0, &at, sizeof at);
    thread_.join();
    ::close(last);
    ::close(fd_);
  }

 private:
  void serve() const {
    for (;;) {
      std::string query(512, '\0');
      sockaddr from{};
      socklen_t size = sizeof from;
      const ssize_t got = ::recvfrom(fd_, query.data(), query.size(), 0, &from, &size);
      if (got <= 3) return;
      query.resize(static_cast<std::size_t>(got));
      const std::string answer =
          make_answer(query, read_question(query).value(), DnsCode::kNoError, kRight);
      (void)::sendto(fd_, answer.data(), answer.size(), 0, &from, size);
    }
  }

  int fd_;
  std::thread thread_;
};

// The code of the answer, or the address in it.
std::string ask(const std::string& name) {
  std::string query = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;
  for (const std::string& label : split(name, '.')) {
    query += static_cast<char>(label.size()) + label;
  }
  query += "\x00\x00\x01\x00\x01"s;
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr at = server_address();
  std::string answer(512, '\0');
  ssize_t got = -1;
  if (::connect(fd, &at, sizeof at) == 0 && ::send(fd, query.data(), query.size(), 0) > 0) {
    got = ::recv(fd, answer.data(), answer.size(), 0);
  }
  ::close(fd);
  if (got < 12) return "nothing";
  answer.resize(static_cast<std::size_t>(got));
  if (answer[7] == 0) return cat("code ", answer[3] & 0xf);
  char text[INET_ADDRSTRLEN];
  ::inet_ntop(AF_INET, answer.data() + answer.size() - 4, text, sizeof text);
  return text;
}

struct Node {
  Node() { host.set_scope({.node = "here", .state = folder / "state"}); }
  Result<json> put(const std::string& kind, json params) {
    params["upstream"] = kServer;
    return book->put({.id = "f1",
                      .epoch = 1,
                      .kind = kind,
                      .target = {{"node", "here"}},
                      .params = std::move(params),
                      .lease = 60s,
                      .drill = {}});
  }
  TemporaryFolder folder;
  RealHost host;
  std::unique_ptr<FaultBook> book =
      std::move(*FaultBook::open({.directory = folder / "faults"}, host));
};

void isolated(const std::function<void(Node&)>& test) {
  std::async(std::launch::async, [&] {
    if (!enter_own_network()) {
      skip_case("no network namespace can be made here (root is needed)");
    }
    Node node;
    if (const auto why = node.host.network().why_no_redirect(); !why.empty()) {
      skip_case(why);
    }
    const NameServer server;
    const json before = take_network_state();
    REQUIRE(ask("db.shop.test") == "198.51.100.7");
    test(node);
    CHECK(ask("db.shop.test") == "198.51.100.7");
    CHECK(host_state_differences(before, take_network_state()).empty());
    CHECK(node.host.machine().helpers().empty());
  }).get();
}

TEST_CASE("chosen names fail as ordered, and all others are answered as they are") {
  const auto& [how, code] = GENERATE(table<std::string, std::string>(
      {{"servfail", "code 2"}, {"nxdomain", "code 3"}, {"refused", "code 5"}}));
  isolated([&, how = how, code = code](Node& node) {
    const auto live = node.put("dns.failure", {{"names", "bank.test,SHOP.test"}, {"how", how}});
    INFO((live ? "" : live.error().message));
    REQUIRE(live);
    CHECK(ask("db.shop.test") == code);
    CHECK(ask("shop.test") == code);
    CHECK(ask("workshop.test") == "198.51.100.7");
    const auto ended = node.book->revert("f1");
    REQUIRE(ended);
    CHECK(ended->at("measured").at("queries") >= 3);
  });
}

TEST_CASE("chosen names are answered with the wrong address") {
  isolated([](Node& node) {
    REQUIRE(node.put("dns.answer", {{"names", "shop.test"}, {"address", "192.0.2.9"}}));
    CHECK(ask("db.shop.test") == "192.0.2.9");
    CHECK(ask("bank.test") == "198.51.100.7");
    REQUIRE(node.book->revert("f1"));
  });
}

TEST_CASE("queries come through again by themselves when nobody keeps the redirection up") {
  isolated([](Node& node) {
    REQUIRE(node.put("dns.failure", json::object()));
    CHECK_THAT(output_of({"nft", "list", "table", "inet", node.host.network().table_of("f1")}),
               Catch::Contains("53 timeout 10s expires"));
    CHECK(ask("db.shop.test") == "code 2");
    REQUIRE(node.book->revert("f1"));
  });
}

TEST_CASE("what is no address is refused with the parameter's name") {
  isolated([](Node& node) {
    const auto refused = node.put("dns.answer", {{"address", "nowhere"}});
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Catch::Contains("params.address"));
  });
}

}  // namespace
}  // namespace panshi::agent
