// SPDX-License-Identifier: Apache-2.0
// The promise under test: a resource fault takes what it was asked to take, as the kernel counts
// it, never more than the node allows, and everything is given back whoever reverts.
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "agents/faults/fault_book.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class Node {
 public:
  Node() {
    std::filesystem::create_directories(folder_ / "data");
    host.set_scope({.node = "here",
                    .state = folder_ / "state",
                    .directories = {folder_ / "data"},
                    .disk_reserve = 1 << 20});
    reopen();
  }
  void reopen() {  // as the next agent would
    book.reset();
    book = std::move(*FaultBook::open({.directory = folder_ / "faults"}, host));
  }
  void lose_undo_record() {  // and start anew
    REQUIRE(std::filesystem::remove(folder_ / "faults" / "f1.json"));
    reopen();
  }
  Result<json> put(const std::string& kind, json params, json target = {{"node", "here"}}) {
    return book->put({.id = "f1",
                      .epoch = 1,
                      .kind = kind,
                      .target = std::move(target),
                      .params = std::move(params),
                      .lease = 60s,
                      .drill = {}});
  }
  json effect() { return book->list().at(0).at("measured").value("effects", json::array()); }
  // The fault's only effect, once it is met; what it was last when it never is.
  json met() {
    for (int tries = 0; tries < 1'000; ++tries) {
      const json effects = effect();
      if (!effects.empty() && effects.at(0).at("met") == true) return effects.at(0);
      ::usleep(10'000);
    }
    return effect();
  }
  std::string data() const { return (folder_ / "data").string(); }
  bool clean() { return host.machine().helpers().empty() && std::filesystem::is_empty(data()); }

  RealHost host;
  std::unique_ptr<FaultBook> book;

 private:
  TemporaryFolder folder_;
};

TEST_CASE("a processor is kept busy for the share that was asked, and free again afterwards") {
  Node node;
  REQUIRE(node.put("resource.cpu", {{"cores", 1}, {"percent", 30}}));
  CHECK(node.met().at("asked") == 30);
  CHECK(node.host.machine().helpers() == std::vector<std::string>{"f1"});
  REQUIRE(node.book->revert("f1"));
  CHECK(node.clean());
}

TEST_CASE("memory is taken and resident when the order is answered, and given back") {
  if (kSanitized) skip_case("resource.memory: a sanitizer's own memory is counted, too");
  Node node;
  const auto live = node.put("resource.memory", {{"size", "64MiB"}});
  REQUIRE(live);
  CHECK(live->at("measured").at("effects").at(0).at("met") == true);
  REQUIRE(node.book->revert("f1"));
  CHECK(node.clean());
}

TEST_CASE("memory beyond the node's reserve is refused, whatever the controller says") {
  Node node;
  const auto refused = node.put("resource.memory", {{"size", "1024GiB"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message, Catch::Contains("reserve"));
  CHECK(node.clean());
}

TEST_CASE("processes are started, counted and ended") {
  Node node;
  const auto live = node.put("resource.processes", {{"count", 50}});
  REQUIRE(live);
  CHECK(live->at("measured").at("effects").at(0).at("measured") == 50);
  REQUIRE(node.book->revert("f1"));
  CHECK(node.clean());
}

TEST_CASE("a disk is written to at the rate that was asked, in an allowed folder only") {
  Node node;
  const auto refused = node.put("resource.disk-load", {{"directory", "/etc"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  REQUIRE(node.put("resource.disk-load",
                   {{"directory", node.data()}, {"rate", "1MiB"}, {"size", "1MiB"}}));
  CHECK(node.met().at("asked") == 1 << 20);
  REQUIRE(node.book->revert("f1"));
  CHECK(node.clean());
}

TEST_CASE("a file system is filled by as much as asked, by a file that nobody can move") {
  Node node;
  const Room room = node.host.machine().disk(node.data()).value();
  const double full = 100 - 100 * static_cast<double>(room.available - (64 << 20)) /
                                static_cast<double>(room.total);
  const auto live = node.put("resource.disk-fill", {{"directory", node.data()}, {"percent", full}});
  REQUIRE(live);
  CHECK(live->at("measured").at("effects").at(0).at("met") == true);
  CHECK(std::filesystem::is_empty(node.data()));
  const auto during = node.host.machine().disk(node.data()).value().available;
  REQUIRE(node.book->revert("f1"));
  CHECK(node.host.machine().disk(node.data()).value().available - during > (32 << 20));
  CHECK(node.clean());
}

TEST_CASE("a service is left as many descriptors as asked, and gets its own limit back") {
  Node node;
  Group service({"/bin/sleep", "1000"});
  node.host.leaders["orders"] = service.name();
  const auto before = node.host.machine().descriptor_limit(service.name()).value();
  const auto live = node.put("resource.descriptors", {{"left", 3}}, {{"service", "orders"}});
  REQUIRE(live);
  CHECK(live->at("measured").at("effects").at(0).at("measured") == 3);
  REQUIRE(node.book->revert("f1"));
  const auto after = node.host.machine().descriptor_limit(service.name()).value();
  CHECK(after.soft == before.soft);
  CHECK(after.hard == before.hard);
}

TEST_CASE("a limit whose undo record is lost is named by fsck, and put back by the next agent") {
  Node node;
  Group service({"/bin/sleep", "1000"});
  node.host.leaders["orders"] = service.name();
  const auto before = node.host.machine().descriptor_limit(service.name()).value();
  REQUIRE(node.put("resource.descriptors", {{"left", 3}}, {{"service", "orders"}}));
  node.lose_undo_record();
  CHECK(node.host.machine().descriptor_limit(service.name()).value() != before);
  CHECK(node.book->recover().reverted == std::vector<FaultId>{"f1"});
  CHECK(node.host.machine().descriptor_limit(service.name()).value().soft == before.soft);
  for (const Leftover& leftover : node.book->fsck()) CHECK_FALSE(leftover.ours);
}

TEST_CASE("helpers that an earlier agent left running are ended by the next one") {
  Node node;
  REQUIRE(node.put("resource.processes", {{"count", 5}}));
  // As when it was killed: nobody lets go in order, only the mark is left.
  const auto held = node.host.holdings().get<void>("f1");
  node.reopen();
  CHECK(node.host.machine().helpers() == std::vector<std::string>{"f1"});
  CHECK(node.book->recover().reverted == std::vector<FaultId>{"f1"});
  CHECK(node.clean());
}

TEST_CASE("a fault meant for another node is refused") {
  Node node;
  const auto refused = node.put("resource.cpu", {}, {{"node", "there"}});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::Contains("this is node `here`, not `there`"));
}

}  // namespace
}  // namespace panshi::agent
