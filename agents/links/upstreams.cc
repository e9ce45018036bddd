// SPDX-License-Identifier: Apache-2.0
#include "agents/links/upstreams.h"

#include <algorithm>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

std::string health_text(UpstreamChoice::Health health) {
  if (health == UpstreamChoice::Health::kUnknown) return "unknown";
  return health == UpstreamChoice::Health::kUp ? "up" : "down";
}

}  // namespace

Result<Upstreams> Upstreams::read(const LinkSpec& spec) {
  if (spec.upstreams.empty()) {
    return fail(ErrorCode::kInvalid, cat("link `", spec.name, "` has no upstream"));
  }
  std::vector<Upstream> list;
  UpstreamChoice::Options options{.weights = {},
                                  .by_weight = spec.by_weight,
                                  .failback = spec.failback,
                                  .hold = spec.failback_hold};
  for (const LinkUpstream& upstream : spec.upstreams) {
    const auto where = parse_named_address(upstream.address);
    if (!where) return fail(where.error(), cat("link `", spec.name, "`"));
    Upstream one{.spec = upstream, .where = *where, .addresses = {}, .asked_at = {}};
    for (const Address& address : Names::known(where->host)) {
      one.addresses.push_back(with_port(address, where->port));
    }
    if (one.addresses.empty()) one.fresh_until = {};
    list.push_back(std::move(one));
    options.weights.push_back(upstream.weight);
  }
  return Upstreams(std::move(list), UpstreamChoice(std::move(options)));
}

std::vector<std::string> Upstreams::names() const {
  std::vector<std::string> names;
  for (const Upstream& each : list_) names.push_back(each.spec.name);
  return names;
}

Result<std::size_t> Upstreams::find(const std::string& name) const {
  const std::vector<std::string> known = names();
  const auto found = std::find(known.begin(), known.end(), name);
  if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
  return fail(ErrorCode::kNotFound, cat("no upstream `", name, "`", did_you_mean(name, known),
                                        "; there are: ", join(known, ", ")));
}

bool Upstreams::wants_lookup(std::size_t index, MonoTime now) const {
  const Upstream& one = list_[index];
  return now >= one.fresh_until && (!one.asked_at || now - *one.asked_at > kAskAgain);
}

bool Upstreams::may_dial(std::size_t index, MonoTime now) const {
  const Upstream& one = list_[index];
  if (now < one.fresh_until) return !one.addresses.empty();
  return !one.addresses.empty() && one.asked_at && now - *one.asked_at >= kPatience;
}

void Upstreams::begin_lookup(std::size_t index, MonoTime now) { list_[index].asked_at = now; }

void Upstreams::end_lookup(std::size_t index, const Result<Names::Addresses>& found, MonoTime now) {
  Upstream& one = list_[index];
  one.asked_at.reset();
  one.fresh_until = now + kFresh;
  if (!found) return;
  one.addresses.clear();
  for (const Address& address : *found) {
    one.addresses.push_back(with_port(address, one.where.port));
  }
}

std::string Upstreams::in_use() const {
  const auto index = choice_.in_use();
  return index ? name(*index) : "by weight";
}

void Upstreams::prefer(std::size_t index) {
  list_[index].drained_by = MonoTime::max();
  choice_.prefer(index);
}

Status Upstreams::set_weights(const std::map<std::string, int>& weights) {
  std::vector<int> all;
  for (std::size_t i = 0; i < list_.size(); ++i) all.push_back(choice_.weight(i));
  for (const auto& [name, weight] : weights) {
    ASSIGN_OR_RETURN(const std::size_t index, find(name));
    all[index] = weight;
  }
  if (std::all_of(all.begin(), all.end(), [](int weight) { return weight == 0; })) {
    return fail(ErrorCode::kInvalid, "one weight at least must be above 0");
  }
  choice_.set_weights(std::move(all));
  return {};
}

void Upstreams::drain(std::size_t index, Duration within, MonoTime now) {
  list_[index].drained_by = now + within;
  choice_.drain(index, now);
}

void Upstreams::undrain(std::size_t index, MonoTime now) {
  list_[index].drained_by = MonoTime::max();
  choice_.undrain(index, now);
}

std::vector<std::size_t> Upstreams::settle(MonoTime now) {
  choice_.settle(now);
  std::vector<std::size_t> over;
  for (std::size_t i = 0; i < list_.size(); ++i) {
    if (list_[i].drained_by > now) continue;
    list_[i].drained_by = MonoTime::max();
    over.push_back(i);
  }
  return over;
}

MonoTime Upstreams::next_deadline() const {
  MonoTime due = choice_.next_deadline();
  for (const Upstream& each : list_) due = std::min(due, each.drained_by);
  return due;
}

std::vector<UpstreamState> Upstreams::states() const {
  std::vector<UpstreamState> states;
  for (std::size_t i = 0; i < list_.size(); ++i) {
    states.push_back({.name = name(i),
                      .address = list_[i].spec.address,
                      .weight = choice_.weight(i),
                      .health = health_text(choice_.health(i)),
                      .drained = choice_.drained(i)});
  }
  return states;
}

}  // namespace panshi::agent
