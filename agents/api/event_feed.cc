// SPDX-License-Identifier: Apache-2.0
#include "agents/api/event_feed.h"

#include <algorithm>

#include "core/io/secret.h"

namespace panshi::agent {

EventFeed::EventFeed(const Clock& clock, std::string start_id, EventLog::Limits limits)
    : clock_(clock), start_id_(std::move(start_id)), log_(limits) {}

void EventFeed::add_event(const std::string& kind, const nlohmann::json& data) {
  add_event(kind, data, clock_.mono());
}

void EventFeed::add_event(const std::string& kind, const nlohmann::json& data, MonoTime at) {
  {
    const std::lock_guard lock(mutex_);
    log_.add_event(kind, json_without_secrets(data), at);
  }
  changed_.notify_all();
}

void EventFeed::add_samples(const std::vector<SignalSample>& samples) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t last = log_.last();
    for (const SignalSample& sample : samples) {
      wake |= log_.add_sample(sample.signal, sample.value, sample.at);
    }
    wake |= waiting_for_any_sample_ > 0 && log_.last() > last;
  }
  if (wake) changed_.notify_all();
}

std::string EventFeed::poll(const PollRequest& request) {
  std::unique_lock lock(mutex_);
  const std::uint64_t after = request.start_id == start_id_ ? request.after : 0;
  const MonoTime arrived = clock_.mono();
  const MonoTime deadline = arrived + std::min(request.wait, limits::kPollWaitMax);
  const MonoTime batch_full = arrived + limits::kSampleBatch;
  log_.watch(request.watches);
  while (!closed_ && !log_.is_urgent(after, request.watches)) {
    const MonoTime now = clock_.mono();
    if (now >= deadline || (now >= batch_full && log_.has_any(after))) break;
    if (now < batch_full) {
      changed_.wait_until(lock, std::min(batch_full, deadline));
    } else {
      ++waiting_for_any_sample_;
      changed_.wait_until(lock, deadline);
      --waiting_for_any_sample_;
    }
  }
  return log_.answer(start_id_, after, clock_.mono());
}

void EventFeed::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace panshi::agent
