// SPDX-License-Identifier: Apache-2.0
// A node with a FaultBook on a FakeHost, and orders for it.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>

#include "agents/faults/fault.h"
#include "agents/faults/fault_book.h"
#include "agents/faults/fault_journal.h"
#include "core/base/random.h"
#include "core/io/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/agents/faults/fake_host.h"

namespace panshi::agent {

using namespace std::chrono_literals;

struct Node {  // a host, a state folder, and the book of the agent that runs there now
  FakeHost host;
  TemporaryFolder state;
  std::mutex mutex;
  std::condition_variable told;
  std::vector<std::pair<std::string, nlohmann::json>> events;
  std::unique_ptr<FaultBook> book;

  Node() { start(); }

  void start() {
    book.reset();  // a crash as far as the book is concerned: nothing is reverted
    FaultBook::Options options{.directory = state / "faults",
                               .limits = {.live_max = 4, .term_max = 60s}};
    options.retry_first = 1ms;
    options.retry_max = 4ms;
    options.on_event = [this](std::string kind, nlohmann::json data, MonoTime) {
      const std::lock_guard lock(mutex);
      events.emplace_back(std::move(kind), std::move(data));
      told.notify_all();
    };
    auto opened = FaultBook::open(std::move(options), host);
    REQUIRE(opened);
    book = std::move(*opened);
  }

  nlohmann::json await(const std::string& kind, std::size_t count = 1) {
    std::unique_lock lock(mutex);
    nlohmann::json last;
    const bool came = told.wait_for(lock, 20s, [&] {
      std::size_t seen = 0;
      for (const auto& [each, data] : events) {
        if (each == kind) ++seen, last = data;
      }
      return seen >= count;
    });
    REQUIRE(came);
    return last;
  }

  bool on_disk(const std::string& id) const {
    return std::filesystem::exists(state / "faults" / (id + ".json"));
  }
};

inline FaultOrder order(std::string id, std::string kind, Duration lease = 60s) {
  return {.id = std::move(id),
          .epoch = 1,
          .kind = kind,
          .target = sample_target(kind),
          .params = nlohmann::json::object(),
          .lease = lease,
          .drill = "d1"};
}

// With what parameters the kind must be given there.
inline FaultOrder order_on(FakeHost& host, std::string id, const std::string& kind,
                           Duration lease = 60s) {
  FaultOrder all = order(std::move(id), kind, lease);
  if (auto params = sample_params(kind, host); !params.is_null()) all.params = std::move(params);
  return all;
}

inline std::string state_of(const Result<nlohmann::json>& fault) {
  return fault ? fault->at("state").get<std::string>() : "error: " + fault.error().message;
}

}  // namespace panshi::agent
