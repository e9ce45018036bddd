// SPDX-License-Identifier: Apache-2.0
// Promise: who only reads takes no more than some threads of the API from who halts and reverts,
// however long an agent takes to answer.
#include <array>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <vector>

#include "controller/fleet/fleet.h"
#include "controller/limits.h"
#include "tests/support/controller/fake_agent.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr const char* kQuestion = "/v1/faults/kinds";

// Two agents, which answer nothing before they are let.
class SlowAgents {
 public:
  SlowAgents() {
    for (const char* node : {"keys-1", "keys-2"}) {
      agents_.push_back(std::make_unique<FakeAgent>(node, folder_.path()));
      agents_.back()->on_kinds([this] {
        std::unique_lock lock(mutex_);
        ++asked_;
        changed_.wait(lock, [&] { return may_answer_; });
        return Json::array();
      });
    }
    Fleet::Options options;
    options.lease = 3s;
    options.poll = options.lost_after = 1s;
    const std::array<std::string, 2> names = {"keys-1", "keys-2"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      options.agents.push_back({names[i], agents_[i]->url(), agents_[i]->token_file()});
    }
    fleet = std::make_unique<Fleet>(
        std::move(options),
        Fleet::Parts{.clock = clock_, .anchored = anchored_, .needs = needs_, .deliver = {}});
  }
  ~SlowAgents() { let_answer(); }
  SlowAgents(const SlowAgents&) = delete;
  SlowAgents& operator=(const SlowAgents&) = delete;

  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  void let_answer() {
    {
      const std::lock_guard lock(mutex_);
      may_answer_ = true;
    }
    changed_.notify_all();
  }

 private:
  TemporaryFolder folder_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int asked_ = 0;
  bool may_answer_ = false;
  SystemClock clock_;
  AnchoredClock anchored_{clock_, WallTime::min()};
  NeedsBoard needs_{Needs{}};  // epoch 0: nobody is polled
  std::vector<std::unique_ptr<FakeAgent>> agents_;

 public:
  std::unique_ptr<Fleet> fleet;  // goes first
};

TEST_CASE("the ninth who asks an agent at once is told so, and is not held") {
  SlowAgents slow;
  std::vector<std::future<Result<Json>>> readers;
  for (int i = 0; i < limits::kAsksMax; ++i) {
    const std::string node = i % 2 == 0 ? "keys-1" : "keys-2";
    readers.push_back(std::async(std::launch::async,
                                 [&slow, node] { return slow.fleet->ask(node, kQuestion, 60s); }));
  }
  REQUIRE(eventually([&] { return slow.asked() == limits::kAsksMax; }));
  const std::string full = "too many questions to agents at once; try again";
  const auto ninth = slow.fleet->ask("keys-1", kQuestion, 200ms);
  REQUIRE(!ninth);
  CHECK(ninth.error().message == full);
  for (const auto& [node, answer] : slow.fleet->ask_all({"keys-1", "keys-2"}, kQuestion, 200ms)) {
    INFO(node);
    REQUIRE(!answer);
    CHECK(answer.error().message == full);
  }
  CHECK(slow.asked() == limits::kAsksMax);
  // Whoever wants something done is not among them.
  CHECK(slow.fleet->tell("keys-1", "/v1/revert-all", 10s));
  slow.let_answer();
  for (auto& reader : readers) CHECK(reader.get());
  CHECK(slow.fleet->ask("keys-1", kQuestion, 10s));
}

}  // namespace
}  // namespace panshi::controller
