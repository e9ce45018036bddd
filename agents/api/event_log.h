// SPDX-License-Identifier: Apache-2.0
// EventLog: the newest events and samples, numbered in one sequence, for the long polls.
//
// Bounded: the oldest are dropped, and a poller that missed an event is told so. A watch is a
// comparison over a signal; a sample that makes it true or false is urgent, others may wait for
// company. Of a signal that nobody watches only the changes of a state (0 and 1) are kept, and of a
// measure the newest value of about each second. Pure, no lock: EventFeed wraps it for threads.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agents/limits.h"
#include "core/base/clock.h"
#include "core/model/comparison.h"

namespace panshi::agent {

struct SignalSample {
  std::string signal;
  double value;
  MonoTime at;
};

class EventLog {
 public:
  struct Limits {
    std::size_t events_max = limits::kEventsMax;
    std::size_t event_bytes_max = 8 << 20;
    std::size_t samples_max = limits::kSamplesMax;
    std::size_t watches_max = limits::kWatchesKept;
    std::size_t answer_bytes_max = 2 << 20;  // an answer ends with the item that reaches it
  };
  explicit EventLog(Limits limits) : limits_(limits) {}

  void add_event(const std::string& kind, const nlohmann::json& data, MonoTime at);
  // True when it crossed a watch. A value that is not finite is dropped; others may wait for the
  // digest.
  bool add_sample(const std::string& signal, double value, MonoTime at);

  // Makes crossings of these known from now on; the first sample that is true counts as one.
  void watch(std::span<const Comparison> watches);
  // An event after `after`, or a sample after it that crossed one of these watches.
  bool is_urgent(std::uint64_t after, std::span<const Comparison> watches) const;
  bool has_any(std::uint64_t after) const { return last_ > after; }
  std::uint64_t last() const { return last_; }

  // {"start_id","next","lost","events":[…],"samples":[…]} as text.
  std::string answer(const std::string& start_id, std::uint64_t after, MonoTime now) const;

 private:
  struct Entry {
    std::uint64_t seq;
    MonoTime at;
    std::string text;  // `"kind":…,"data":…`
  };
  struct Sample {
    std::uint64_t seq;
    MonoTime at;
    std::uint32_t signal;  // index into signals_
    double value;
  };
  struct Signal {
    std::string quoted_name;
    double value = 0;       // the newest, kept as a sample or not
    MonoTime at{};          // of that
    std::uint64_t seq = 0;  // of its newest sample that was kept; 0: none yet
    double kept_value = 0;
    MonoTime kept_at{};
    bool waits = false;  // the newest value was not kept
  };
  struct Watch {
    std::optional<bool> is_true;
    std::uint64_t crossed = 0;  // seq of the newest sample that crossed it
    std::uint64_t used = 0;     // to drop the one not asked for longest
  };
  using WatchKey = std::tuple<std::string, std::string, double>;  // signal, is, value

  static WatchKey key_of(const Comparison& watch);
  bool watched(const std::string& signal) const;
  void keep(std::uint32_t index);  // its newest value as a sample

  Limits limits_;
  std::uint64_t last_ = 0;
  std::uint64_t last_dropped_event_ = 0;
  std::size_t event_bytes_ = 0;
  std::deque<Entry> events_;
  std::deque<Sample> samples_;
  std::vector<Signal> signals_;
  std::map<std::string, std::uint32_t> signal_index_;
  std::map<WatchKey, Watch> watches_;
  std::uint64_t uses_ = 0;
};

}  // namespace panshi::agent
