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
      connection.dial(upstream, upstreams_.address(*found));
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

Status Link::set_health(const std::string& upstream, bool up) {
  return change_upstream(upstream, up ? "failback" : "failover", [&](std::size_t index) {
    upstreams_.set_health(index, up, flow_.loop.now());
  });
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
      connection.dial(to, upstreams_.address(*index));
    }
  });
  if (on_moved_) on_moved_({.link = name_, .way = {.from = from, .to = to}, .why = why});
}

}  // namespace panshi::agent
