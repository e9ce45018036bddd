// SPDX-License-Identifier: Apache-2.0
// Upstreams: the upstreams of one link by name, who takes the next connection, and which drains
// have a bound. Pure but for parsing addresses at the start. Thread `links`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agents/links/link_table.h"
#include "agents/links/socket.h"
#include "agents/links/upstream_choice.h"

namespace panshi::agent {

class Upstreams {
 public:
  // kInvalid: none, or a malformed address.
  static Result<Upstreams> read(const LinkSpec& spec);

  Result<std::size_t> find(const std::string& name) const;  // kNotFound lists those there are
  const std::string& name(std::size_t index) const { return list_[index].spec.name; }
  const Address& address(std::size_t index) const { return list_[index].address; }
  std::string in_use() const;  // its name; "by weight" while connections are drawn
  std::optional<std::size_t> pick(Random& random) const { return choice_.pick(random); }

  void prefer(std::size_t index);
  // kNotFound, or kInvalid when none is above 0. Those that are not named keep their weight.
  Status set_weights(const std::map<std::string, int>& weights);
  void set_health(std::size_t index, bool up, MonoTime now) { choice_.set_health(index, up, now); }
  void drain(std::size_t index, Duration within, MonoTime now);
  void undrain(std::size_t index, MonoTime now);
  // Goes back where the rule says so. Whose established connections end now: each is told once.
  std::vector<std::size_t> settle(MonoTime now);
  MonoTime next_deadline() const;

  std::vector<UpstreamState> states() const;  // without connections

 private:
  struct Upstream {
    LinkUpstream spec;
    Address address;
    MonoTime drained_by = MonoTime::max();
  };
  Upstreams(std::vector<Upstream> list, UpstreamChoice choice)
      : list_(std::move(list)), choice_(std::move(choice)) {}
  std::vector<std::string> names() const;

  std::vector<Upstream> list_;
  UpstreamChoice choice_;
};

}  // namespace panshi::agent
