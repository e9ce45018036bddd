// SPDX-License-Identifier: Apache-2.0
#include "agents/toxiproxy/proxy_book.h"

#include <algorithm>

#include "agents/links/link_table.h"
#include "agents/toxiproxy/resolve.h"
#include "core/base/ids.h"
#include "core/base/text.h"

namespace panshi::agent::toxiproxy {
namespace {

using nlohmann::json;

// Nothing ever answers there: an upstream whose name is not known is one that cannot be reached.
constexpr const char* kNowhere = "127.0.0.1:0";

tl::unexpected<ApiError> refused(int status, std::string message) {
  return tl::unexpected(ApiError{status, std::move(message)});
}
tl::unexpected<ApiError> no_toxic() { return refused(404, "toxic not found"); }

auto named(const std::string& name) {
  return [&name](const NamedToxic& toxic) { return toxic.name == name; };
}

template <class Toxics>
auto find_toxic(Toxics& toxics, const std::string& name) {
  return std::find_if(toxics.begin(), toxics.end(), named(name));
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

Done ProxyBook::start(Entry& entry) {
  auto& [name, proxy] = entry;
  const auto failed = [&](const std::string& why) {
    return refused(500, cat("listen tcp ", proxy.listen, ": ", why));
  };
  const auto listen = resolve(proxy.listen);
  if (!listen) return failed(listen.error().message);
  LinkSpec spec;
  spec.name = name;
  spec.listen = *listen;
  spec.upstreams = {{"upstream", resolve(proxy.upstream).value_or(kNowhere)}};
  spec.closes_unconnected = true;
  if (auto opened = links_.open(spec); !opened) {
    const bool taken = opened.error().code == ErrorCode::kConflict;
    return failed(taken ? "bind: address already in use" : opened.error().message);
  }
  for (const NamedToxic& toxic : proxy.toxics) {
    if (auto added = links_.add_toxic(name, toxic.name, to_link_toxic(toxic)); !added) {
      (void)links_.close(name);
      return refused(500, added.error().message);
    }
  }
  const std::string host = listen->substr(0, listen->rfind(':'));
  proxy.listen = cat(host, ":", links_.port(name).value_or(0));
  proxy.enabled = true;
  return {};
}

void ProxyBook::stop(Entry& entry) {
  (void)links_.close(entry.first);  // no error when it is not open
  entry.second.enabled = false;
}

Answer<ProxyBook::Entry*> ProxyBook::add(const ProxyInput& input) {
  const auto known = links_.links();
  const bool is_link = std::any_of(known.begin(), known.end(),
                                   [&](const LinkState& link) { return link.name == input.name; });
  if (is_link || proxies_.contains(input.name)) return refused(409, "proxy already exists");
  if (!is_id(input.name)) {
    return refused(400, cat("bad request body: name `", input.name,
                            "` must be 1 to 128 of letters, digits, `_`, `-` and `.`"));
  }
  if (proxies_.size() >= kProxiesMax) return refused(500, "too many proxies");
  Entry& entry =
      *proxies_.emplace(input.name, Proxy{input.listen, input.upstream, false, {}}).first;
  if (!input.enabled) return &entry;
  if (auto started = start(entry); !started) {
    proxies_.erase(input.name);
    return tl::unexpected(started.error());
  }
  return &entry;
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
  const auto input = read_proxy(body, {});
  if (!input) return tl::unexpected(input.error());
  if (input->name.empty()) return refused(400, "missing required field: name");
  if (input->upstream.empty()) return refused(400, "missing required field: upstream");
  const std::lock_guard lock(mutex_);
  return add(*input).map([](const Entry* entry) { return to_json(*entry); });
}

Answer<json> ProxyBook::update(const std::string& name, const std::string& body) {
  const std::lock_guard lock(mutex_);
  const auto entry = find(name);
  if (!entry) return tl::unexpected(entry.error());
  Proxy& proxy = (*entry)->second;
  const auto input = read_proxy(body, {name, proxy.listen, proxy.upstream, proxy.enabled});
  if (!input) return tl::unexpected(input.error());
  const auto listen = resolve(input->listen);
  if (!listen) return refused(500, cat("listen tcp ", input->listen, ": ", listen.error().message));
  if (*listen != resolve(proxy.listen).value_or("") || input->upstream != proxy.upstream) {
    stop(**entry);
    proxy.listen = input->listen;
    proxy.upstream = input->upstream;
  }
  if (input->enabled && !proxy.enabled) {
    if (auto started = start(**entry); !started) return tl::unexpected(started.error());
  }
  if (!input->enabled) stop(**entry);
  return to_json(**entry);
}

Done ProxyBook::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto entry = find(name);
  if (!entry) return tl::unexpected(entry.error());
  stop(**entry);
  proxies_.erase(name);
  return {};
}

Done ProxyBook::reset() {
  const std::lock_guard lock(mutex_);
  for (Entry& entry : proxies_) {
    auto& [name, proxy] = entry;
    for (const NamedToxic& toxic : std::exchange(proxy.toxics, {})) {
      if (proxy.enabled) (void)links_.remove_toxic(name, toxic.name);
    }
    if (proxy.enabled) continue;
    if (auto started = start(entry); !started) return started;
  }
  return {};
}

ProxyBook::Populated ProxyBook::populate(const std::string& body) {
  Populated done;
  const auto inputs = read_proxies(body);
  if (!inputs) {
    done.error = inputs.error();
    return done;
  }
  const std::lock_guard lock(mutex_);
  for (const ProxyInput& input : *inputs) {
    if (const auto there = find(input.name)) {
      const Proxy& proxy = (*there)->second;
      const auto listen = resolve(input.listen);
      const bool same = listen && *listen == resolve(proxy.listen).value_or("") &&
                        input.upstream == proxy.upstream;
      if (same) {
        done.proxies.push_back(to_json(**there));
        continue;
      }
      stop(**there);
      proxies_.erase(input.name);
    }
    const auto added = add(input);
    if (!added) {
      done.error = added.error();
      return done;
    }
    done.proxies.push_back(to_json(**added));
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
  if (proxy.enabled) {
    if (auto added = links_.add_toxic(name, toxic->name, to_link_toxic(*toxic)); !added) {
      return refused(500, added.error().message);
    }
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
  if (proxy.enabled) {
    if (auto changed = links_.change_toxic(name, toxic, to_link_toxic(*updated)); !changed) {
      return refused(500, changed.error().message);
    }
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
  if (proxy.enabled) {
    if (auto removed = links_.remove_toxic(name, toxic); !removed) {
      return refused(500, removed.error().message);
    }
  }
  proxy.toxics.erase(there);
  return {};
}

}  // namespace panshi::agent::toxiproxy
