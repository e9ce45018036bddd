// SPDX-License-Identifier: Apache-2.0
// EventFeed: where the agent puts what happened and the long polls wait for it. Any thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agents/api/event_log.h"
#include "core/base/clock.h"

namespace panshi::agent {

struct PollRequest {
  std::string start_id;  // of the run of the agent that `after` belongs to
  std::uint64_t after = 0;
  Duration wait{};
  std::vector<Comparison> watches;
};

class EventFeed {
 public:
  EventFeed(const Clock& clock, std::string start_id, EventLog::Limits limits = {});

  void add_event(const std::string& kind, const nlohmann::json& data);  // it happens now
  void add_event(const std::string& kind, const nlohmann::json& data, MonoTime at);
  void add_samples(const std::vector<SignalSample>& samples);

  // While it lives nobody is answered for what is new, milliseconds at most: an event and the
  // sample that goes with it are told in one answer and not in two.
  class Together {
   public:
    explicit Together(EventFeed& feed);
    ~Together();
    Together(const Together&) = delete;
    Together& operator=(const Together&) = delete;

   private:
    EventFeed& feed_;
  };

  // Blocks as the contract says, at most `wait`; then the answer as text.
  std::string poll(const PollRequest& request);
  // Answers everybody who waits, and everybody who comes, at once.
  void close();

  const std::string& start_id() const { return start_id_; }

 private:
  void wake_if(bool needed);  // REQUIRES: mutex_

  const Clock& clock_;
  const std::string start_id_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  EventLog log_;
  int waiting_for_any_sample_ = 0;
  int held_ = 0;  // by a Together, which then finds whether anybody is to be woken
  bool wake_owed_ = false;
  bool closed_ = false;
};

}  // namespace panshi::agent
