// SPDX-License-Identifier: Apache-2.0
#include "agents/links/upstream_choice.h"

#include <utility>

#include "core/base/check.h"

namespace panshi::agent {

UpstreamChoice::UpstreamChoice(Options options)
    : by_weight_(options.by_weight), failback_(options.failback), hold_(options.hold) {
  for (const int weight : options.weights) upstreams_.push_back({.weight = weight});
  CHECK_BUG(!upstreams_.empty());
}

bool UpstreamChoice::fit(std::size_t index) const {
  return !upstreams_[index].drained && upstreams_[index].health != Health::kDown;
}

bool UpstreamChoice::has_fit() const {
  for (std::size_t i = 0; i < upstreams_.size(); ++i) {
    if (fit(i)) return true;
  }
  return false;
}

std::optional<std::size_t> UpstreamChoice::pick(Random& random) const {
  if (!by_weight_) {
    if (upstreams_[in_use_].drained) return std::nullopt;
    return in_use_;
  }
  const auto drawn = draw(random, true);
  return drawn ? drawn : draw(random, false);
}

std::optional<std::size_t> UpstreamChoice::draw(Random& random, bool healthy) const {
  const auto counts = [&](std::size_t i) { return healthy ? fit(i) : !upstreams_[i].drained; };
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < upstreams_.size(); ++i) {
    if (counts(i)) all += static_cast<std::uint64_t>(upstreams_[i].weight);
  }
  if (all == 0) return std::nullopt;
  std::uint64_t at = random.below(all);
  for (std::size_t i = 0; i < upstreams_.size(); ++i) {
    if (!counts(i)) continue;
    const auto weight = static_cast<std::uint64_t>(upstreams_[i].weight);
    if (at < weight) return i;
    at -= weight;
  }
  return std::nullopt;
}

void UpstreamChoice::prefer(std::size_t index) {
  by_weight_ = false;
  upstreams_[index].drained = false;
  preferred_ = in_use_ = index;
}

void UpstreamChoice::set_weights(std::vector<int> weights) {
  CHECK_BUG(weights.size() == upstreams_.size());
  for (std::size_t i = 0; i < weights.size(); ++i) upstreams_[i].weight = weights[i];
  by_weight_ = true;
}

void UpstreamChoice::set_health(std::size_t index, bool up, MonoTime now) {
  const Health health = up ? Health::kUp : Health::kDown;
  const Health before = std::exchange(upstreams_[index].health, health);
  if (before == health) return;
  if (before == Health::kDown) upstreams_[index].fit_since = now;
  fail_over();
  settle(now);
}

void UpstreamChoice::drain(std::size_t index, MonoTime now) {
  upstreams_[index].drained = true;
  fail_over();
  settle(now);
}

void UpstreamChoice::undrain(std::size_t index, MonoTime now) {
  if (!std::exchange(upstreams_[index].drained, false)) return;
  upstreams_[index].fit_since = now;
  fail_over();
  settle(now);
}

// The preferred one first, then in the order of the list: who is fit, else who is merely not
// drained.
void UpstreamChoice::fail_over() {
  if (by_weight_ || fit(in_use_)) return;
  const auto first = [&](auto good) -> std::optional<std::size_t> {
    if (good(preferred_)) return preferred_;
    for (std::size_t i = 0; i < upstreams_.size(); ++i) {
      if (good(i)) return i;
    }
    return std::nullopt;
  };
  auto next = first([&](std::size_t i) { return fit(i); });
  if (!next) next = first([&](std::size_t i) { return !upstreams_[i].drained; });
  if (next) in_use_ = *next;
}

bool UpstreamChoice::may_go_back() const {
  return !by_weight_ && in_use_ != preferred_ && failback_ != Failback::kNever && fit(preferred_);
}

void UpstreamChoice::settle(MonoTime now) {
  if (!may_go_back() || next_deadline() > now) return;
  in_use_ = preferred_;
}

MonoTime UpstreamChoice::next_deadline() const {
  if (!may_go_back()) return MonoTime::max();
  return upstreams_[preferred_].fit_since + (failback_ == Failback::kHeld ? hold_ : Duration{});
}

std::optional<std::size_t> UpstreamChoice::in_use() const {
  if (by_weight_) return std::nullopt;
  return in_use_;
}

}  // namespace panshi::agent
