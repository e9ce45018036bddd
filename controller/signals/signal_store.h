// SPDX-License-Identifier: Apache-2.0
// SignalStore: samples of all signals, for graphs and for "what is it now".
//
// Samples are evidence to look at, not to decide by: they are kept in memory, written in batches
// about once a second by the thread `signals` without fsync, and pruned by age and number. Losing
// the last second in a crash is fine; holding up a decision is not. A value that has not changed is
// kept once a second.
//
// A series only grows at its end, also over a restart: what a report has read of it stays all there
// is up to its last sample. An agent's samples of a signal come in order; those that it sends again
// (its answer was lost, we were started anew) are there already.
//
// Any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/sqlite.h"

namespace panshi::controller {

struct SignalNow {
  std::string node;
  std::string signal;
  WallTime at;
  double value = 0;
};

class SignalStore {
 public:
  struct Limits {
    Duration age_max;
    std::int64_t rows_max;           // beyond: the oldest of nodes with more than an equal share go
    std::size_t buffer_max;          // samples not yet written; more are dropped, and said so once
    std::size_t series_max;          // (node, signal) pairs; samples of further ones are dropped
    std::size_t series_of_node_max;  // for a further one go those that are idle for longest
  };
  static Result<std::unique_ptr<SignalStore>> open(const std::filesystem::path& file,
                                                   Limits limits);
  ~SignalStore();  // writes what is left
  SignalStore(const SignalStore&) = delete;
  SignalStore& operator=(const SignalStore&) = delete;

  void add(const std::string& node, const std::string& signal, WallTime at, double value);

  std::vector<SignalNow> newest() const;
  std::vector<std::string> nodes_of(const std::string& signal) const;  // that ever sent it

  struct Query {
    std::string signal{};
    std::string node{};  // empty: all
    WallTime from{};
    WallTime to = WallTime::max();
    std::int64_t limit = 20'000;
  };
  // Oldest first; includes what is not yet written.
  Result<std::vector<std::pair<WallTime, double>>> read(const Query& query);

  // What the thread does by itself; public for tests.
  Status flush();
  Status prune(WallTime now);

 private:
  struct Series {
    std::int64_t id = 0;
    WallTime at{};       // of the newest sample
    double value = 0;    // of the newest sample
    WallTime kept_at{};  // of the newest sample that was kept
    double kept_value = 0;
    bool any = false;   // seen since the start
    bool kept = false;  // `kept_at` and `kept_value` say something
  };
  struct Sample {
    std::int64_t series;
    WallTime at;
    double value;
  };

  SignalStore(Database database, Limits limits);
  struct Node {
    std::size_t series = 0;
    std::size_t passed_over = 0;  // so many more new series are turned down without a look
  };
  Status load();
  bool make_room(const std::string& node, WallTime at);  // REQUIRES: mutex_ is held
  Status find_tenth(const std::vector<std::int64_t>& ids, WallTime now, WallTime& before);
  Status write(const std::vector<Sample>& samples);
  void run();

  const Limits limits_;

  mutable std::mutex mutex_;  // guards the seven below; never held during a write
  std::map<std::pair<std::string, std::string>, Series> series_;  // by (signal, node)
  std::map<std::string, Node> nodes_;
  std::int64_t next_id_ = 1;
  std::vector<std::int64_t> gone_;  // series whose rows are still in the file
  std::vector<std::pair<std::int64_t, std::pair<std::string, std::string>>> new_series_;
  std::vector<Sample> buffer_;
  bool dropped_ = false;

  std::mutex database_mutex_;  // guards the three below; taken before mutex_
  Database database_;
  std::int64_t rows_ = 0;
  std::map<std::int64_t, std::int64_t> rows_of_;  // by series

  std::mutex stop_mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;  // `signals`
};

}  // namespace panshi::controller
