// SPDX-License-Identifier: Apache-2.0
#include "agents/toxiproxy/proxy_book.h"

#include <algorithm>
#include <iterator>

#include "agents/links/link_table.h"
#include "agents/links/socket.h"
#include "core/base/text.h"

namespace panshi::agent::toxiproxy {
namespace {

using nlohmann::json;

// Before the ids of its toxics: those of faults have no colon.
constexpr const char* kOwner = "toxiproxy:";

constexpr std::size_t kPortsTried = 64;  // of those that the kernel gives for port 0

tl::unexpected<ApiError> broken(const Error& error) { return refused(500, error.message); }
tl::unexpected<ApiError> no_toxic() { return refused(404, "toxic not found"); }

auto named(const std::string& name) {
  return [&name](const NamedToxic& toxic) { return toxic.name == name; };
}

template <class Toxics>
auto find_toxic(Toxics& toxics, const std::string& name) {
  return std::find_if(toxics.begin(), toxics.end(), named(name));
}

std::string id_of(const NamedToxic& toxic) { return cat(kOwner, toxic.name); }

LinkSpec spec_of(const std::string& name, const std::string& upstream) {
  LinkSpec spec;
  spec.account = kProxyAccount;
  spec.name = name;
  spec.upstreams = {{"upstream", upstream}};
  // Told by its connections, as that server does: nothing ever answers there.
  if (!parse_named_address(upstream)) spec.upstreams[0].address = "127.0.0.1:0";
  spec.closes_unconnected = true;
  return spec;
}

// One connection would be one after the other, until there is no descriptor left.
bool leads_to_itself(const std::string& upstream, const std::string& listen) {
  const auto to = parse_named_address(upstream);
  const auto at = parse_named_address(listen);
  if (!to || !at || to->port == 0 || to->port != at->port) return false;
  const bool everywhere = at->host == "::" || at->host == "0.0.0.0";
  const std::string host = lower(to->host);
  const bool is_this_machine =
      host.empty() || host == "localhost" || host == "0.0.0.0" || host == "::";
  if (!is_this_machine) return everywhere ? is_own_address(host) : host == at->host;
  return everywhere || at->host == "127.0.0.1" || at->host == "::1";
}

bool same_port(const std::string& a, const std::string& b) {
  return a.substr(a.rfind(':') + 1) == b.substr(b.rfind(':') + 1);
}

}  // namespace

json ProxyBook::toxics_json(const Proxy& proxy) {
  json all = json::array();
  for (const bool upstream : {true, false}) {
    for (const NamedToxic& toxic : proxy.toxics) {
      if (toxic.is_upstream() == upstream) all.push_back(toxiproxy::to_json(toxic));
    }
  }
  return all;
}

json ProxyBook::to_json(const Entry& entry) {
  const auto& [name, proxy] = entry;
  return {{"name", name},
          {"listen", proxy.listen},
          {"upstream", proxy.upstream},
          {"enabled", proxy.enabled},
          {"toxics", toxics_json(proxy)}};
}

Answer<ProxyBook::Entry*> ProxyBook::find(const std::string& proxy) {
  const auto found = proxies_.find(proxy);
  if (found == proxies_.end()) return refused(404, "proxy not found");
  return &*found;
}
Answer<const ProxyBook::Entry*> ProxyBook::find(const std::string& proxy) const {
  const auto found = proxies_.find(proxy);
  if (found == proxies_.end()) return refused(404, "proxy not found");
  return &*found;
}

Answer<ProxyBook::Plan> ProxyBook::plan(ProxyInput input) const {
  if (auto may = check_upstream(input.upstream); !may) return tl::unexpected(may.error());
  const auto place = resolve_listen(input.listen, links_);
  if (!place) return tl::unexpected(place.error());
  if (auto may = check_listen(input, *place); !may) return tl::unexpected(may.error());
  if (leads_to_itself(input.upstream, place->numeric)) {
    return refused(400, cat("bad request body: upstream ", input.upstream,
                            " is where the proxy itself listens: name the server behind it"));
  }
  return Plan{.input = std::move(input), .place = *place};
}

Done ProxyBook::check_listen(const ProxyInput& input, const ListenPlace& place) const {
  std::string why = permits_.why_no_listen(place.numeric);
  if (!why.empty()) {
    // Clients write back what they were told: a proxy may have the port that it was given before.
    const std::lock_guard lock(mutex_);
    const auto there = find(input.name);
    const auto at = parse_named_address(place.numeric);
    const bool given = there && at && (*there)->second.given == place.numeric;
    if (given) why = permits_.why_kept(at->port);
  }
  if (!why.empty()) return refused(403, why);
  return {};
}

// REQUIRES: the plan has a port.
void ProxyBook::note_listen(Proxy& proxy, const Plan& plan) {
  proxy.listen = address_text(plan.port->address);
  if (plan.place.numeric.ends_with(":0")) {
    proxy.given = proxy.listen;
  } else if (proxy.given != proxy.listen) {
    proxy.given.clear();
  }
}

Done ProxyBook::check_upstream(const std::string& upstream) const {
  const auto named = parse_named_address(upstream);
  const std::string why =
      permits_.why_no_upstream(named ? named->host : upstream, named ? named->port : 0);
  if (!why.empty()) return refused(403, why);
  return {};
}

Done ProxyBook::check_new(const std::string& name) const {
  if (proxies_.contains(name) || links_.has(name)) return refused(409, "proxy already exists");
  if (name.size() > kNameMax) {
    return refused(400, cat("bad request body: a name has at most ", kNameMax, " bytes"));
  }
  if (proxies_.size() >= permits_.proxies_max) {
    return refused(500, cat("there are ", permits_.proxies_max, " proxies, which is the limit"));
  }
  return {};
}

Done ProxyBook::take_port_of(Plan& plan, const Proxy* there) const {
  const bool has_it = there != nullptr && there->enabled && plan.place.numeric == there->listen;
  if (!plan.input.enabled || has_it) return {};
  // Those of others that the kernel gives are held meanwhile, so that it gives another one.
  std::vector<Port> kept;
  for (;;) {
    auto port = take_port(plan.place);
    if (!port) return tl::unexpected(port.error());
    const std::string why = permits_.why_kept(port_of((*port)->address));
    if (why.empty()) {
      plan.port = std::move(*port);
      return {};
    }
    kept.push_back(std::move(*port));
    if (kept.size() == kPortsTried) return refused(403, why);
  }
}

Answer<ProxyBook::Entry*> ProxyBook::make(const Plan& plan) {
  const ProxyInput& input = plan.input;
  LinkSpec spec = spec_of(input.name, input.upstream);
  spec.listen = input.listen;
  spec.port = plan.port;
  spec.suspended = !plan.port;
  spec.connections_max = permits_.connections_max;
  Proxy proxy{input.listen, input.upstream, input.enabled};
  if (plan.port) note_listen(proxy, plan);
  if (auto opened = links_.open(spec); !opened) return broken(opened.error());
  return &*proxies_.emplace(input.name, std::move(proxy)).first;
}

Done ProxyBook::change(Entry& entry, Plan plan) {
  auto& [name, proxy] = entry;
  const ProxyInput& input = plan.input;
  const bool moves = plan.place.numeric != proxy.listen;
  if (!plan.port) {
    auto taken = take_port_of(plan, &proxy);
    if (!taken && proxy.enabled && same_port(plan.place.numeric, proxy.listen)) {
      // It is its own way to the wider or narrower address.
      if (auto freed = links_.suspend(name); !freed) return broken(freed.error());
      taken = take_port_of(plan, &proxy);
      const auto back = taken ? Answer<Port>(Port()) : take_port({proxy.listen, proxy.listen});
      if (back && *back) (void)links_.resume(name, *back);
    }
    if (!taken) return taken;
  }
  if (input.upstream != proxy.upstream) {
    if (auto led = links_.lead_to(spec_of(name, input.upstream)); !led) return broken(led.error());
    proxy.upstream = input.upstream;
  }
  if (moves || !input.enabled) {
    if (auto stopped = links_.suspend(name); !stopped) return broken(stopped.error());
    proxy.enabled = false;
    if (moves) proxy.listen = input.listen;
  }
  if (!plan.port) return {};
  if (auto resumed = links_.resume(name, plan.port); !resumed) return broken(resumed.error());
  note_listen(proxy, plan);
  proxy.enabled = true;
  return {};
}

Done ProxyBook::drop_toxics(Entry& entry) {
  auto& [name, proxy] = entry;
  while (!proxy.toxics.empty()) {
    if (auto gone = links_.remove_toxic(name, id_of(proxy.toxics.back())); !gone) {
      return broken(gone.error());
    }
    proxy.toxics.pop_back();
  }
  return {};
}

json ProxyBook::list() const {
  const std::lock_guard lock(mutex_);
  json all = json::object();
  for (const Entry& entry : proxies_) all[entry.first] = to_json(entry);
  return all;
}

Answer<json> ProxyBook::show(const std::string& proxy) const {
  const std::lock_guard lock(mutex_);
  return find(proxy).map([](const Entry* entry) { return to_json(*entry); });
}

Answer<json> ProxyBook::create(const std::string& body) {
  auto input = read_proxy(body, {});
  if (!input) return tl::unexpected(input.error());
  if (input->name.empty()) return refused(400, "missing required field: name");
  if (input->upstream.empty()) return refused(400, "missing required field: upstream");
  {
    const std::lock_guard lock(mutex_);
    if (auto fine = check_new(input->name); !fine) return tl::unexpected(fine.error());
  }
  if (auto may = check_upstream(input->upstream); !may) return tl::unexpected(may.error());
  auto planned = input->enabled ? plan(*input) : Answer<Plan>(Plan{.input = *input});
  if (!planned) {
    if (planned.error().status != 403) {
      planned.error().message = cat("listen tcp: ", planned.error().message);
    }
    return tl::unexpected(planned.error());
  }
  const std::lock_guard lock(mutex_);
  if (auto fine = check_new(input->name); !fine) return tl::unexpected(fine.error());
  if (auto taken = take_port_of(*planned, nullptr); !taken) return tl::unexpected(taken.error());
  return make(*planned).map([](const Entry* entry) { return to_json(*entry); });
}

Answer<json> ProxyBook::update(const std::string& name, const std::string& body) {
  ProxyInput now;
  {
    const std::lock_guard lock(mutex_);
    const auto entry = find(name);
    if (!entry) return tl::unexpected(entry.error());
    const Proxy& proxy = (*entry)->second;
    now = {name, proxy.listen, proxy.upstream, proxy.enabled};
  }
  auto input = read_proxy(body, now);
  if (!input) return tl::unexpected(input.error());
  auto planned = plan(std::move(*input));
  if (!planned) return tl::unexpected(planned.error());
  const std::lock_guard lock(mutex_);
  const auto entry = find(name);
  if (!entry) return tl::unexpected(entry.error());
  if (auto done = change(**entry, std::move(*planned)); !done) return tl::unexpected(done.error());
  return to_json(**entry);
}

Done ProxyBook::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto entry = find(name);
  if (!entry) return tl::unexpected(entry.error());
  if (auto closed = links_.close(name, kOwner); !closed) {
    const bool faulted = closed.error().code == ErrorCode::kConflict;
    if (!faulted) return broken(closed.error());
    return refused(409, cat("proxy carries a fault under lease: ", closed.error().message,
                            "; revert it first"));
  }
  proxies_.erase(name);
  return {};
}

// What can be done is done; the first mistake is told.
Done ProxyBook::reset() {
  std::vector<ProxyInput> stopped;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, proxy] : proxies_) {
      if (!proxy.enabled) stopped.push_back({name, proxy.listen, proxy.upstream, true});
    }
  }
  std::vector<Answer<Plan>> plans;
  for (ProxyInput& input : stopped) plans.push_back(plan(std::move(input)));
  Done all;
  const auto note = [&all](const Done& done) {
    if (all && !done) all = done;
  };
  const std::lock_guard lock(mutex_);
  for (Entry& entry : proxies_) note(drop_toxics(entry));
  for (Answer<Plan>& each : plans) {
    if (!each) {
      note(tl::unexpected(each.error()));
    } else if (const auto entry = find(each->input.name)) {
      note(change(**entry, std::move(*each)));
    }
  }
  return all;
}

Answer<std::vector<json>> ProxyBook::populate(const std::string& body) {
  auto inputs = read_proxies(body);
  if (!inputs) return tl::unexpected(inputs.error());
  std::vector<Plan> plans;
  for (ProxyInput& input : *inputs) {
    auto planned = plan(std::move(input));
    if (!planned) return tl::unexpected(planned.error());
    plans.push_back(std::move(*planned));
  }
  const std::lock_guard lock(mutex_);
  const auto is_there = [](const Plan& plan, const Proxy& proxy) {
    return plan.place.numeric == proxy.listen && plan.input.upstream == proxy.upstream;
  };
  std::size_t more = 0;
  for (Plan& plan : plans) {
    const auto there = find(plan.input.name);
    if (there && is_there(plan, (*there)->second)) continue;
    if (!there) {
      if (auto fine = check_new(plan.input.name); !fine) return tl::unexpected(fine.error());
      if (proxies_.size() + ++more > permits_.proxies_max) return refused(500, "too many proxies");
    }
    const Proxy* proxy = there ? &(*there)->second : nullptr;
    if (auto taken = take_port_of(plan, proxy); !taken) return tl::unexpected(taken.error());
  }
  for (auto plan = plans.begin(); plan != plans.end(); ++plan) {
    const auto wants_the_same = [&](const Plan& other) {
      return plan->port && other.port &&
             address_text(plan->port->address) == address_text(other.port->address);
    };
    if (std::any_of(std::next(plan), plans.end(), wants_the_same)) {
      return refused(500, cat("listen tcp ", address_text(plan->port->address),
                              ": bind: address already in use"));
    }
  }
  std::vector<json> done;
  for (Plan& plan : plans) {
    auto entry = find(plan.input.name);
    if (!entry) {
      entry = make(plan);
      if (!entry) return tl::unexpected(entry.error());
    } else if (!is_there(plan, (*entry)->second)) {
      Done changed = drop_toxics(**entry);
      if (changed) changed = change(**entry, std::move(plan));
      if (!changed) return tl::unexpected(changed.error());
    }
    done.push_back(to_json(**entry));
  }
  return done;
}

Answer<json> ProxyBook::toxics(const std::string& proxy) const {
  const std::lock_guard lock(mutex_);
  return find(proxy).map([](const Entry* entry) { return toxics_json(entry->second); });
}

Answer<json> ProxyBook::toxic(const std::string& proxy, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto entry = find(proxy);
  if (!entry) return tl::unexpected(entry.error());
  const auto& toxics = (*entry)->second.toxics;
  const auto found = find_toxic(toxics, name);
  if (found == toxics.end()) return no_toxic();
  return toxiproxy::to_json(*found);
}

Answer<json> ProxyBook::add_toxic(const std::string& name, const std::string& body) {
  const std::lock_guard lock(mutex_);
  const auto entry = find(name);
  if (!entry) return tl::unexpected(entry.error());
  Proxy& proxy = (*entry)->second;
  const auto toxic = read_toxic(body, [&](const std::string& taken) {
    return find_toxic(proxy.toxics, taken) != proxy.toxics.end();
  });
  if (!toxic) return tl::unexpected(toxic.error());
  if (proxy.toxics.size() >= kToxicsMax) {
    return refused(500, cat("the proxy has ", kToxicsMax, " toxics, which is the limit"));
  }
  if (auto added = links_.add_toxic(name, id_of(*toxic), to_link_toxic(*toxic)); !added) {
    return broken(added.error());
  }
  proxy.toxics.push_back(*toxic);
  return toxiproxy::to_json(*toxic);
}

Answer<json> ProxyBook::update_toxic(const std::string& name, const std::string& toxic,
                                     const std::string& body) {
  const std::lock_guard lock(mutex_);
  const auto entry = find(name);
  if (!entry) return tl::unexpected(entry.error());
  Proxy& proxy = (*entry)->second;
  const auto there = find_toxic(proxy.toxics, toxic);
  if (there == proxy.toxics.end()) return no_toxic();
  const auto updated = read_toxic_update(body, *there);
  if (!updated) return tl::unexpected(updated.error());
  if (auto changed = links_.change_toxic(name, id_of(*there), to_link_toxic(*updated)); !changed) {
    return broken(changed.error());
  }
  *there = *updated;
  return toxiproxy::to_json(*there);
}

Done ProxyBook::remove_toxic(const std::string& name, const std::string& toxic) {
  const std::lock_guard lock(mutex_);
  const auto entry = find(name);
  if (!entry) return tl::unexpected(entry.error());
  Proxy& proxy = (*entry)->second;
  const auto there = find_toxic(proxy.toxics, toxic);
  if (there == proxy.toxics.end()) return no_toxic();
  if (auto removed = links_.remove_toxic(name, id_of(*there)); !removed) {
    return broken(removed.error());
  }
  proxy.toxics.erase(there);
  return {};
}

}  // namespace panshi::agent::toxiproxy
