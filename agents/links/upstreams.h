// SPDX-License-Identifier: Apache-2.0
// Upstreams: the upstreams of one link by name, who takes the next connection, where each is, and
// which drains have a bound. Pure: lookups are asked for by the link. Thread `links`.
//
// A name is looked up for a connection that comes more than kFresh after the last lookup. While
// the resolver fails, or does not answer within kPatience, what was known before is used.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agents/links/link_table.h"
#include "agents/links/names.h"
#include "agents/links/socket.h"
#include "agents/links/upstream_choice.h"

namespace panshi::agent {

class Upstreams {
 public:
  static constexpr Duration kFresh = std::chrono::seconds(1);
  static constexpr Duration kPatience = std::chrono::seconds(1);
  static constexpr Duration kAskAgain = std::chrono::seconds(30);  // an answer was lost

  // kInvalid: none, or a malformed address.
  static Result<Upstreams> read(const LinkSpec& spec);

  Result<std::size_t> find(const std::string& name) const;  // kNotFound lists those there are
  std::size_t size() const { return list_.size(); }
  const std::string& name(std::size_t index) const { return list_[index].spec.name; }
  const std::string& host(std::size_t index) const { return list_[index].where.host; }
  // All it is known to have, to be tried in this order; empty: not looked up yet.
  const std::vector<Address>& addresses(std::size_t index) const { return list_[index].addresses; }
  bool wants_lookup(std::size_t index, MonoTime now) const;
  bool may_dial(std::size_t index, MonoTime now) const;  // else: when the lookup has ended
  bool is_asked(std::size_t index) const { return list_[index].asked_at.has_value(); }
  void begin_lookup(std::size_t index, MonoTime now);
  void end_lookup(std::size_t index, const Result<Names::Addresses>& found, MonoTime now);
  std::string in_use() const;  // its name; "by weight" while connections are drawn
  std::optional<std::size_t> pick(Random& random) const { return choice_.pick(random); }

  void prefer(std::size_t index);
  // kNotFound, or kInvalid when none is above 0. Those that are not named keep their weight.
  Status set_weights(const std::map<std::string, int>& weights);
  bool has_fit() const { return choice_.has_fit(); }
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
    NamedAddress where;
    std::vector<Address> addresses;
    MonoTime fresh_until = MonoTime::max();  // numbers always are
    std::optional<MonoTime> asked_at;        // a lookup is on
    MonoTime drained_by = MonoTime::max();
  };
  Upstreams(std::vector<Upstream> list, UpstreamChoice choice)
      : list_(std::move(list)), choice_(std::move(choice)) {}
  std::vector<std::string> names() const;

  std::vector<Upstream> list_;
  UpstreamChoice choice_;
};

}  // namespace panshi::agent
