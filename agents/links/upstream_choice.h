// SPDX-License-Identifier: Apache-2.0
// UpstreamChoice: which upstream of a link takes the next connection.
//
// Either one upstream is in use, with a failover to the next healthy one and a rule for going back;
// or connections are drawn over the healthy ones by weight. An upstream that is drained takes none.
// A choice by hand (prefer) is obeyed whatever the health, until some health changes. When nobody
// is healthy the health is not believed: the client shall see what the upstream itself says. Pure:
// `now` and the random numbers are told. Upstreams are numbers from 0.
#pragma once

#include <optional>
#include <vector>

#include "core/base/clock.h"
#include "core/base/random.h"

namespace panshi::agent {

enum class Failback {
  kNever,   // who took over stays in use
  kAtOnce,  // as soon as the preferred one is healthy
  kHeld,    // when it has been healthy for `hold`
};

class UpstreamChoice {
 public:
  enum class Health { kUnknown, kUp, kDown };  // unknown counts as healthy
  struct Options {
    std::vector<int> weights;  // one for each upstream
    bool by_weight = false;
    Failback failback = Failback::kNever;
    Duration hold{};
  };
  explicit UpstreamChoice(Options options);

  // None: every upstream is drained.
  std::optional<std::size_t> pick(Random& random) const;
  // What is in use changes only in these, and is then another one than before.
  void prefer(std::size_t index);              // ends drawing by weight, and a drain of it
  void set_weights(std::vector<int> weights);  // begins drawing by weight
  void set_health(std::size_t index, bool up, MonoTime now);
  void drain(std::size_t index, MonoTime now);
  void undrain(std::size_t index, MonoTime now);
  void settle(MonoTime now);       // when next_deadline() has come
  MonoTime next_deadline() const;  // max(): none

  // None while drawing by weight.
  std::optional<std::size_t> in_use() const;
  // Somebody is healthy and takes connections: what the checks say is believed.
  bool has_fit() const;
  Health health(std::size_t index) const { return upstreams_[index].health; }
  bool drained(std::size_t index) const { return upstreams_[index].drained; }
  int weight(std::size_t index) const { return upstreams_[index].weight; }

 private:
  struct Upstream {
    int weight = 1;
    Health health = Health::kUnknown;
    bool drained = false;
    MonoTime fit_since{};
  };
  bool fit(std::size_t index) const;
  std::optional<std::size_t> draw(Random& random, bool healthy) const;
  void fail_over();
  bool may_go_back() const;

  std::vector<Upstream> upstreams_;
  bool by_weight_;
  Failback failback_;
  Duration hold_;
  std::size_t preferred_ = 0;
  std::size_t in_use_ = 0;
};

}  // namespace panshi::agent
