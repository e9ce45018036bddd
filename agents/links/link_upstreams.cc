// SPDX-License-Identifier: Apache-2.0
// The part of a link that says where its connections go.
#include "agents/links/link.h"
#include "core/base/text.h"

namespace panshi::agent {

Result<LinkTable::Rerouted> Link::reroute(const std::string& upstream, LinkTable::Established how) {
  const auto found = upstreams_.find(upstream);
  if (!found) return fail(found.error(), cat("link `", name_, "`"));
  LinkTable::Rerouted rerouted{.from = upstreams_.in_use(), .to = upstream};
  upstreams_.prefer(*found);
  settle();
  each_connection([&](Connection& connection) {
    if (connection.upstream() == upstream) return;
    if (!connection.connected()) {  // nothing was read from it yet: it can still change over
      lead(connection, *found);
    } else if (how == LinkTable::Established::kReset) {
      connection.reset();
    }
  });
  return rerouted;
}

template <class Act>
Status Link::change_upstream(const std::string& upstream, const char* why, Act act) {
  const auto found = upstreams_.find(upstream);
  if (!found) return fail(found.error(), cat("link `", name_, "`"));
  const std::string from = upstreams_.in_use();
  act(*found);
  follow(from, why);
  settle();
  return {};
}

Status Link::drain(const std::string& upstream, Duration within) {
  return change_upstream(upstream, "drain", [&](std::size_t index) {
    upstreams_.drain(index, within, flow_.loop.now());
  });
}

Status Link::undrain(const std::string& upstream) {
  return change_upstream(upstream, "failback",
                         [&](std::size_t index) { upstreams_.undrain(index, flow_.loop.now()); });
}

Status Link::set_health(const std::string& upstream, bool up, LinkTable::Established how) {
  auto changed = change_upstream(upstream, up ? "failback" : "failover", [&](std::size_t index) {
    upstreams_.set_health(index, up, flow_.loop.now());
  });
  if (!changed || up || how != LinkTable::Established::kReset || !upstreams_.has_fit()) {
    return changed;
  }
  // Whoever waits for an answer that may never come tries again, and comes to a healthy one.
  each_connection([&](Connection& connection) {
    if (connection.upstream() == upstream) connection.reset();
  });
  return changed;
}

Status Link::set_weights(const std::map<std::string, int>& weights) {
  auto set = upstreams_.set_weights(weights);
  if (!set) return fail(set.error(), cat("link `", name_, "`"));
  settle();
  return {};
}

void Link::on_timer() { settle(); }

// What is due by now, and the alarm for what comes.
void Link::settle() {
  const std::string from = upstreams_.in_use();
  for (const std::size_t index : upstreams_.settle(flow_.loop.now())) {
    each_connection([&](Connection& connection) {
      if (connection.upstream() == upstreams_.name(index)) connection.reset();
    });
  }
  follow(from, "failback");
  const MonoTime due = upstreams_.next_deadline();
  if (due == MonoTime::max()) {
    flow_.loop.disarm(*this);
  } else {
    flow_.loop.arm(*this, due);
  }
}

// After the link moved by itself: who is still being dialled follows.
void Link::follow(const std::string& from, const char* why) {
  const std::string to = upstreams_.in_use();
  if (to == from) return;
  const auto index = upstreams_.find(to);
  each_connection([&](Connection& connection) {
    if (index && !connection.connected() && connection.upstream() == from) {
      lead(connection, *index);
    }
  });
  if (told_.on_moved) told_.on_moved({.link = name_, .way = {.from = from, .to = to}, .why = why});
}

void Link::lead(Connection& connection, std::size_t upstream) {
  const MonoTime now = flow_.loop.now();
  if (upstreams_.wants_lookup(upstream, now)) look_up(upstream);
  connection.dial(upstreams_.name(upstream), upstreams_.may_dial(upstream, now)
                                                 ? upstreams_.addresses(upstream)
                                                 : std::vector<Address>());
  // Nobody will tell: a lookup has just failed.
  if (connection.waits_for_addresses() && !upstreams_.is_asked(upstream)) connection.fail_connect();
}

void Link::look_up(std::size_t upstream) {
  const MonoTime now = flow_.loop.now();
  upstreams_.begin_lookup(upstream, now);
  flow_.loop.arm(late_lookup_, now + Upstreams::kPatience);
  flow_.all.names.ask(upstreams_.host(upstream), [loop = &flow_.loop, self = std::weak_ptr(self_),
                                                  generation = generation_, upstream](auto found) {
    // When too much waits there, the answer is lost, and asked for again later.
    (void)loop->post([self, generation, upstream, found] {
      if (const auto link = self.lock()) (*link)->looked_up(generation, upstream, found);
    });
  });
}

void Link::looked_up(int generation, std::size_t upstream, const Result<Names::Addresses>& found) {
  if (generation != generation_) return;
  upstreams_.end_lookup(upstream, found, flow_.loop.now());
  dial_waiting(upstream);
  if (!upstreams_.addresses(upstream).empty()) return;
  each_connection([&](Connection& connection) {
    const bool waits =
        connection.waits_for_addresses() && connection.upstream() == upstreams_.name(upstream);
    if (waits) connection.fail_connect();
  });
}

// What was known before serves meanwhile.
void Link::lookups_are_late() {
  for (std::size_t i = 0; i < upstreams_.size(); ++i) dial_waiting(i);
}

void Link::dial_waiting(std::size_t upstream) {
  if (!upstreams_.may_dial(upstream, flow_.loop.now())) return;
  each_connection([&](Connection& connection) {
    const bool waits =
        connection.waits_for_addresses() && connection.upstream() == upstreams_.name(upstream);
    if (waits) connection.dial(upstreams_.name(upstream), upstreams_.addresses(upstream));
  });
}

}  // namespace panshi::agent
