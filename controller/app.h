// SPDX-License-Identifier: Apache-2.0
// App: the controller process put together; it starts the parts in order and ends them in order.
//
// open() does everything that can be refused (state directory, lock, journal, port) before
// anything is acted on. run() is the thread `loop`. After stop() every fault of ours is reverted,
// for a bounded time; drills under way are taken up by the next start. When the journal refuses a
// write, run() returns its error at once: nothing is reverted, the faults end with their leases.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "controller/config.h"
#include "controller/loop/brain.h"

namespace panshi::controller {

class App {
 public:
  struct Loaded {
    Config config;
    Catalog catalog;
  };
  struct Parts {
    const Catalog& catalog;
    Brain& brain;
    const Clock& clock;
    std::string version;
    bool takes_over = false;       // --take-over: see controller/fleet/take_over.h
    std::int64_t epoch_above = 0;  // likewise, and next
    std::int64_t ids_above = 0;
    // What a drill day would draw with a seed: GET /api/v1/schedule/draw.
    std::function<Result<nlohmann::json>(const Catalog&, const std::string& day,
                                         std::uint64_t seed)>
        draw;
    // The configuration as its files say now, for reload(); kInvalid with every mistake, one in the
    // name of a signal among them.
    std::function<Result<Loaded>(const AgentOffers&)> load;
  };
  App(Config config, Parts parts);
  ~App();

  Status open();
  Status run();
  // Takes in changed scenarios, rules, runbooks, drill days and nodes, all or none of them:
  // {"changes":[text],"needs_restart":[key]}, the latter for what only a new start takes in.
  // Errors: of `load`; kConflict: something under way was judged by what is to go. Any thread.
  // A change that comes by another way than the API, into the audit log, before it is made.
  Status note(const std::string& who, const std::string& what);
  Result<nlohmann::json> reload();
  void stop();                 // any thread
  std::uint16_t port() const;  // REQUIRES: open()

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi::controller
