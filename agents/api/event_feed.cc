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
  const std::lock_guard lock(mutex_);
  log_.add_event(kind, json_without_secrets(data), at);
  wake_if(true);
}

void EventFeed::add_samples(const std::vector<SignalSample>& samples) {
  bool wake = false;
  const std::lock_guard lock(mutex_);
  const std::uint64_t last = log_.last();
  for (const SignalSample& sample : samples) {
    wake |= log_.add_sample(sample.signal, sample.value, sample.at);
  }
  wake_if(wake || (waiting_for_any_sample_ > 0 && log_.last() > last));
}

void EventFeed::wake_if(bool needed) {
  wake_owed_ |= needed;
  if (held_ > 0 || !wake_owed_) return;
  wake_owed_ = false;
  changed_.notify_all();
}

EventFeed::Together::Together(EventFeed& feed) : feed_(feed) {
  const std::lock_guard lock(feed_.mutex_);
  ++feed_.held_;
}

EventFeed::Together::~Together() {
  const std::lock_guard lock(feed_.mutex_);
  --feed_.held_;
  feed_.wake_if(false);
}

std::string EventFeed::poll(const PollRequest& request) {
  std::unique_lock lock(mutex_);
  const std::uint64_t after = request.start_id == start_id_ ? request.after : 0;
  const MonoTime arrived = clock_.mono();
  const MonoTime deadline = arrived + std::min(request.wait, limits::kPollWaitMax);
  const MonoTime batch_full = arrived + limits::kSampleBatch;
  log_.watch(request.watches);
  while (!closed_ && (held_ > 0 || !log_.is_urgent(after, request.watches))) {
    wake_owed_ |= held_ > 0;
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
