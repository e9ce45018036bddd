// SPDX-License-Identifier: Apache-2.0
// The promise under test: on a real NATS server each fault of the queue does what it says, and
// afterwards the stream is as it was.
#include <catch2/catch.hpp>
#include <fstream>

#include "agents/faults/fault_book.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/child.h"
#include "tests/support/eventually.h"
#include "tests/support/shop_servers.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSubject = "queue.fill";
constexpr int kLimitedPort = 17'426;

struct Node {
  ShopServers servers{{ShopServers::Server::kNats}};
  RealHost host;
  TemporaryFolder folder;
  std::unique_ptr<Nats> nats = std::move(Nats::connect(servers.nats()).value());
  Group consumer{{"/bin/sleep", "1000"}};
  std::unique_ptr<FaultBook> book;

  Node() {
    host.leaders["worker"] = consumer.name();
    host.nats_url = servers.nats().urls.at(0);
    host.nats_monitor = servers.nats_monitor();
    book = std::move(*FaultBook::open({.directory = folder / "faults"}, host));
    REQUIRE(nats->ensure_stream({.name = "ORDERS", .subjects = {"order.*", kSubject}}));
    for (const char* id : {"1", "2", "3"}) REQUIRE(nats->publish("order.placed", "{}", id));
    REQUIRE(take_one() == 1);
  }
  // Makes the consumer, too.
  int take_one() const {
    return nats
        ->consume({.stream = "ORDERS", .durable = "worker", .subject_filter = "order.placed"},
                  [](const auto& messages) { return std::vector<NatsVerdict>(messages.size()); })
        .value();
  }
  Result<nlohmann::json> put(const std::string& kind, nlohmann::json params) {
    params["stream"] = "ORDERS";
    return book->put({.id = "f1",
                      .epoch = 1,
                      .kind = kind,
                      .target = {{"service", "worker"}},
                      .params = std::move(params),
                      .lease = 60s,
                      .drill = {}});
  }
  int held(const std::string& subject) const {
    int count = 0;
    REQUIRE(nats->read_all("ORDERS", subject, [&](const NatsMessage&) { ++count; }));
    return count;
  }
};

TEST_CASE("a stream is filled to the message, and only what filled it is purged") {
  Node node;
  const auto live = node.put("queue.fill", {{"subject", kSubject}, {"size", "1MiB"}});
  REQUIRE(live);
  CHECK(live->at("measured").at("effects").at(0).at("met") == true);
  CHECK(node.held(kSubject) == 16);
  const auto reverted = node.book->revert("f1");
  REQUIRE(reverted);
  CHECK(reverted->at("state") == "reverted");
  CHECK(node.held(kSubject) == 0);
  CHECK(node.held("order.placed") == 3);
  CHECK(node.take_one() == 1);
}

TEST_CASE("a subject that a consumer takes, or that holds something, is not filled") {
  Node node;
  const auto taken = node.put("queue.fill", {{"subject", "order.placed"}});
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == ErrorCode::kRefused);
  REQUIRE(node.nats->publish(kSubject, "mine", "4"));
  const auto holds = node.put("queue.fill", {{"subject", kSubject}});
  REQUIRE_FALSE(holds);
  CHECK(holds.error().message.find("holds messages of queue.fill already") != std::string::npos);
  CHECK(node.held(kSubject) == 1);
}

TEST_CASE("behind a consumer that stalls messages pile up, and it goes on afterwards") {
  Node node;
  const auto live = node.put("queue.consumer-stall", {{"consumer", "worker"}});
  REQUIRE(live);
  const auto& measured = live->at("measured");
  CHECK(measured.at("stopped") == 1);
  CHECK(measured.at("pending_before") == 2);
  CHECK(node.host.process_state(node.consumer.name()) == 'T');
  REQUIRE(node.nats->publish("order.placed", "{}", "5"));
  REQUIRE(node.book->revert("f1"));
  CHECK(node.host.process_state(node.consumer.name()) != 'T');
}

TEST_CASE("what the account may not publish is refused at once, in the words of the server") {
  Node node;
  constexpr const char* kInfo = "$JS.API.STREAM.INFO.ORDERS";
  const std::string place = cat(node.servers.address(), ":", kLimitedPort);
  std::ofstream(node.folder / "limited.conf")
      << "listen: \"" << place << "\"\njetstream { store_dir: \"" << (node.folder / "js").string()
      << "\" }\nauthorization { users: [{user: chaos, password: right, permissions: {publish: "
         "{deny: \""
      << kInfo << "\"}}}] }\n";
  const Child server({"nats-server", "-c", (node.folder / "limited.conf").string()},
                     node.folder / "limited.log");
  node.host.nats_url = cat("nats://chaos:right@", place);
  REQUIRE(eventually([&] { return node.host.open_nats("worker").has_value(); }));
  const auto refused = node.put("queue.fill", {{"subject", kSubject}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message,
             Catch::Contains(cat("Permissions Violation for Publish to \"", kInfo, "\"")));
  node.host.nats_url = cat("nats://chaos:not-right@", place);
  const auto out = node.put("queue.fill", {{"subject", kSubject}});
  REQUIRE_FALSE(out);
  CHECK(out.error().code == ErrorCode::kRefused);
  CHECK_THAT(out.error().message, Catch::Contains("Authorization Violation") &&
                                      Catch::Contains(place) && !Catch::Contains("not-right"));
}

TEST_CASE("the server that leads a stream is frozen, a stream that is not there is refused") {
  Node node;
  CHECK_FALSE(node.book->put({.id = "f0",
                              .epoch = 1,
                              .kind = "queue.leader-stop",
                              .target = {{"service", "worker"}},
                              .params = {{"stream", "NOWHERE"}},
                              .lease = 60s,
                              .drill = {}}));
  const auto live = node.put("queue.leader-stop", nlohmann::json::object());
  REQUIRE(live);
  CHECK(live->at("measured").at("stopped") == 1);
  REQUIRE(node.book->revert("f1"));
  CHECK(node.host.process_state(node.consumer.name()) != 'T');
}

}  // namespace
}  // namespace panshi::agent
