// SPDX-License-Identifier: Apache-2.0
#include "agents/api/event_log.h"

#include <algorithm>
#include <cmath>

#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

bool holds(const std::string& is, double bound, double value) {
  Comparison comparison;
  comparison.is = is;
  comparison.value = bound;
  return comparison.test(value);
}

bool is_state(double value) { return value == 0 || value == 1; }

template <class Items>
auto first_after(const Items& items, std::uint64_t after) {
  return std::partition_point(items.begin(), items.end(),
                              [&](const auto& item) { return item.seq <= after; });
}

void append_item(std::string& list, std::string_view item) {
  if (!list.empty()) list += ',';
  list += item;
}

}  // namespace

void EventLog::add_event(const std::string& kind, const nlohmann::json& data, MonoTime at) {
  std::string text = cat(R"("kind":)", dump_json(kind), R"(,"data":)", dump_json(data));
  event_bytes_ += text.size();
  events_.push_back({++last_, at, std::move(text)});
  while (events_.size() > limits_.events_max ||
         (event_bytes_ > limits_.event_bytes_max && events_.size() > 1)) {
    last_dropped_event_ = events_.front().seq;
    event_bytes_ -= events_.front().text.size();
    events_.pop_front();
  }
}

bool EventLog::add_sample(const std::string& signal, double value, MonoTime at) {
  if (!std::isfinite(value)) return false;
  const auto [found, fresh] =
      signal_index_.try_emplace(signal, static_cast<std::uint32_t>(signals_.size()));
  if (fresh) signals_.push_back({dump_json(signal)});
  Signal& newest = signals_[found->second];
  newest.value = value;
  newest.at = at;
  newest.waits = true;
  const bool turned = is_state(value) && is_state(newest.kept_value) && value != newest.kept_value;
  if (fresh || turned || watched(signal) || at - newest.kept_at >= limits::kDigestEvery) {
    keep(found->second);
  }
  bool crossed = false;
  for (auto watch = watches_.lower_bound({signal, "", -INFINITY});
       watch != watches_.end() && std::get<0>(watch->first) == signal; ++watch) {
    const bool is_true = holds(std::get<1>(watch->first), std::get<2>(watch->first), value);
    if (watch->second.is_true.value_or(false) != is_true) {
      watch->second.crossed = last_;
      crossed = true;
    }
    watch->second.is_true = is_true;
  }
  return crossed;
}

bool EventLog::watched(const std::string& signal) const {
  const auto watch = watches_.lower_bound({signal, "", -INFINITY});
  return watch != watches_.end() && std::get<0>(watch->first) == signal;
}

void EventLog::keep(std::uint32_t index) {
  Signal& signal = signals_[index];
  signal.seq = ++last_;
  signal.kept_value = signal.value;
  signal.kept_at = signal.at;
  signal.waits = false;
  samples_.push_back({last_, signal.at, index, signal.value});
  if (samples_.size() > limits_.samples_max) samples_.pop_front();
}

EventLog::WatchKey EventLog::key_of(const Comparison& watch) {
  return {watch.signal, watch.is, watch.value};
}

void EventLog::watch(std::span<const Comparison> watches) {
  for (const Comparison& comparison : watches) {
    const auto [found, fresh] = watches_.try_emplace(key_of(comparison));
    Watch& watch = found->second;
    watch.used = ++uses_;
    const auto signal = signal_index_.find(comparison.signal);
    if (!fresh || signal == signal_index_.end()) continue;
    const Signal& newest = signals_[signal->second];
    if (newest.waits) keep(signal->second);
    watch.is_true = comparison.test(newest.value);
    if (*watch.is_true) watch.crossed = newest.seq;
  }
  while (watches_.size() > limits_.watches_max) {
    watches_.erase(std::min_element(
        watches_.begin(), watches_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  }
}

bool EventLog::is_urgent(std::uint64_t after, std::span<const Comparison> watches) const {
  if (!events_.empty() && events_.back().seq > after) return true;
  return std::any_of(watches.begin(), watches.end(), [&](const Comparison& comparison) {
    const auto found = watches_.find(key_of(comparison));
    return found != watches_.end() && found->second.crossed > after;
  });
}

std::string EventLog::answer(const std::string& start_id, std::uint64_t after, MonoTime now) const {
  std::string events;
  std::string samples;
  std::uint64_t next = after;
  auto event = first_after(events_, after);
  auto sample = first_after(samples_, after);
  while (events.size() + samples.size() < limits_.answer_bytes_max) {
    const bool more_events = event != events_.end();
    const bool more_samples = sample != samples_.end();
    if (more_events && (!more_samples || event->seq < sample->seq)) {
      append_item(events, cat(R"({"seq":)", event->seq, R"(,"age_us":)", (now - event->at).count(),
                              ",", event->text, "}"));
      next = (event++)->seq;
    } else if (more_samples) {
      append_item(samples,
                  cat(R"({"signal":)", signals_[sample->signal].quoted_name, R"(,"age_us":)",
                      (now - sample->at).count(), R"(,"value":)", sample->value, "}"));
      next = (sample++)->seq;
    } else {
      next = std::max(next, last_);  // also past what was dropped
      break;
    }
  }
  return cat(R"({"start_id":)", dump_json(start_id), R"(,"next":)", next, R"(,"lost":)",
             after < last_dropped_event_, R"(,"events":[)", events, R"(],"samples":[)", samples,
             "]}");
}

}  // namespace panshi::agent
