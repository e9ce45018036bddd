// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <set>

#include "agents/config/config_parts.h"
#include "agents/limits.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/run_as.h"

namespace panshi::agent {

using nlohmann::json;

void need_id(Fields& in, const char* key, std::string& out) {
  in.need(key, out);
  if (!out.empty() && !is_id(out)) {
    in.problem(key, cat("`", out, "` must be 1 to 128 of letters, digits, `_`, `-` and `.`"));
  }
}

namespace {

void read_health(const json& value, const std::string& path, Problems& problems, LinkConfig& link) {
  Fields in(value, path, problems);
  LinkHealthConfig out;
  std::string kind;
  std::int64_t rise = out.rise;
  std::int64_t fall = out.fall;
  const std::vector<std::string> kinds = {"tcp", "http"};
  in.need_word("kind", kind, kinds);
  if (kind == "http") {
    in.need("path", out.path);
    if (!out.path.empty() && out.path.front() != '/') in.problem("path", "must begin with /");
  }
  in.may("every", out.every, {limits::kProbeEveryMin, limits::kProbeEveryMax});
  in.may("timeout", out.timeout, {std::chrono::milliseconds(1), out.every});
  in.may("rise", rise, {1, 100});
  in.may("fall", fall, {1, 100});
  std::string established = "keep";
  const std::vector<std::string> fates = {"keep", "reset"};
  in.may_word("established", established, fates);
  in.done();
  out.reset_when_down = established == "reset";
  out.rise = static_cast<int>(rise);
  out.fall = static_cast<int>(fall);
  out.timeout = std::min(out.timeout, out.every);
  for (const LinkUpstreamConfig& upstream : link.upstreams) {
    const auto where = parse_host_port(upstream.address);
    if (!where || is_ipv4(where->host)) continue;
    in.problem("", cat("upstream `", upstream.name, "` must have an IPv4 address to be asked"));
  }
  link.health = std::move(out);
}

void read_failback(Fields& in, LinkConfig& link) {
  const std::vector<std::string> rules = {"never", "at_once", "held"};
  in.may_word("failback", link.failback, rules);
  if (link.failback == "held") {
    in.may("failback_hold", link.failback_hold, {std::chrono::milliseconds(100), 24h});
  }
  if (link.failback != "never" && !link.health) {
    in.problem("failback", "needs a `health`: without it no upstream is left or gone back to");
  }
}

void need_address(Fields& in, const char* key, const std::string& text) {
  if (!text.empty() &&
      !parse_host_port(text.find(':') == std::string::npos ? text + ":1" : "[" + text + "]:1")) {
    in.problem(key, cat("`", text, "` is not an address in numbers"));
  }
}

void read_account(Fields& in, LinkConfig& link) {
  std::string account;
  in.may("account", account);
  if (account.empty()) return;
  const auto user = find_user_id(account);
  if (user) link.account = *user;
  if (!user) in.problem("account", user.error().message);
}

void read_proxy_protocol(Fields& in, LinkConfig& link) {
  in.may("source", link.source);
  need_address(in, "source", link.source);
  const json* value = in.may_value("proxy_protocol");
  if (!value) return;
  Fields proxy(*value, in.path_of("proxy_protocol"), in.problems());
  const std::vector<std::string> versions = {"v1", "v2"};
  std::string send;
  proxy.may_word("send", send, versions);
  proxy.may("accept_from", link.proxies);
  for (const std::string& address : link.proxies) need_address(proxy, "accept_from", address);
  proxy.done();
  link.send_proxy = send.empty() ? 0 : send.back() - '0';
}

}  // namespace

LinkConfig read_link(const json& value, const std::string& path, Problems& problems) {
  Fields in(value, path, problems);
  LinkConfig out;
  need_id(in, "name", out.name);
  in.need("listen", out.listen);
  if (const auto where = parse_host_port(out.listen); !where && !out.listen.empty()) {
    in.problem("listen", where.error().message);
  }
  std::string protocol = "tcp";
  const std::vector<std::string> protocols = {"http", "tcp"};
  in.may_word("protocol", protocol, protocols);
  out.http = protocol == "http";
  read_proxy_protocol(in, out);
  read_account(in, out);
  std::set<std::string> names;
  in.need_each("upstreams", [&](const json& item, const std::string& at) {
    Fields upstream(item, at, problems);
    LinkUpstreamConfig entry;
    need_id(upstream, "name", entry.name);
    upstream.need("address", entry.address);
    if (const auto where = parse_host_port(entry.address); !where && !entry.address.empty()) {
      upstream.problem("address", where.error().message);
    }
    std::int64_t weight = entry.weight;
    upstream.may("weight", weight, {0, 1'000});
    entry.weight = static_cast<int>(weight);
    out.by_weight = out.by_weight || upstream.has("weight");
    upstream.done();
    if (!names.insert(entry.name).second) {
      upstream.problem("name", cat("`", entry.name, "` is there twice"));
    }
    out.upstreams.push_back(std::move(entry));
  });
  const bool idle = out.by_weight && std::all_of(out.upstreams.begin(), out.upstreams.end(),
                                                 [](const auto& one) { return one.weight == 0; });
  if (idle) in.problem("upstreams", "one weight at least must be above 0");
  if (const json* health = in.may_value("health")) {
    read_health(*health, in.path_of("health"), problems, out);
  }
  read_failback(in, out);
  std::int64_t connections_max = limits::kLinkConnectionsMax;
  in.may("connections_max", connections_max, {1, limits::kLinkConnectionsMax});
  out.connections_max = static_cast<std::size_t>(connections_max);
  std::int64_t per_source = connections_max;
  in.may("connections_per_source", per_source, {1, limits::kLinkConnectionsMax});
  out.connections_per_source = static_cast<std::size_t>(per_source);
  in.done();
  return out;
}

namespace {

using ProblemsAt = const std::function<void(const std::string& why)>&;

std::vector<IpNetwork> read_networks(const std::vector<std::string>& texts, ProblemsAt wrong) {
  std::vector<IpNetwork> networks;
  for (const std::string& text : texts) {
    auto network = IpNetwork::parse(text);
    if (!network) wrong(network.error().message);
    if (network) networks.push_back(std::move(*network));
  }
  return networks;
}

// Numbers, or names that this machine knows now.
std::vector<uid_t> read_users(const std::vector<std::string>& texts, ProblemsAt wrong) {
  std::vector<uid_t> users;
  for (const std::string& text : texts) {
    const auto user = find_user_id(text);
    if (!user) wrong(user.error().message);
    if (user) users.push_back(*user);
  }
  return users;
}

// An upstream is of a network, or is called by a name that stands here.
void read_upstreams(const std::vector<std::string>& texts, ProxyPermits& permits,
                    ProblemsAt wrong) {
  permits.upstreams_in.clear();
  permits.upstream_names.clear();
  for (const std::string& text : texts) {
    if (text == "any") {
      permits.any_upstream = true;
    } else if (auto network = IpNetwork::parse(text)) {
      permits.upstreams_in.push_back(std::move(*network));
    } else if (text.find_first_of("/: ") != std::string::npos || text.empty()) {
      wrong(cat("`", text, "` must be a network like 10.0.0.0/8, the name of a host, or any"));
    } else {
      permits.upstream_names.push_back(lower(text));
    }
  }
}

void read_permits(Fields& in, ProxyPermits& permits) {
  std::vector<std::string> texts;
  const auto at = [&in](const char* key) {
    return [&in, key](const std::string& why) { in.problem(key, why); };
  };
  if (in.has("listen_in")) {
    in.may("listen_in", texts);
    permits.listen_in = read_networks(texts, at("listen_in"));
  }
  if (in.has("upstreams")) {
    texts.clear();
    in.may("upstreams", texts);
    read_upstreams(texts, permits, at("upstreams"));
  }
  texts.clear();
  in.may("users", texts);
  permits.any_user = texts == std::vector<std::string>{"any"};
  if (!permits.any_user) permits.users = read_users(texts, at("users"));
  // One of the two alone says nothing of the other: then it is as wide as can be.
  const bool any_port = in.has("port_min") || in.has("port_max");
  std::int64_t port_min = any_port ? 1'024 : permits.port_min;
  std::int64_t port_max = any_port ? 65'535 : permits.port_max;
  auto proxies_max = static_cast<std::int64_t>(permits.proxies_max);
  auto connections_max = static_cast<std::int64_t>(permits.connections_max);
  in.may("port_min", port_min, {1, 65'535});
  in.may("port_max", port_max, {1, 65'535});
  if (port_min > port_max) {
    in.problem("port_min", cat("is above `port_max` (", port_min, " > ", port_max,
                               "): no proxy could listen; write for example `port_min: 20000, "
                               "port_max: 29999`"));
  }
  in.may("proxies_max", proxies_max, {1, 10'000});
  in.may("connections_max", connections_max, {1, limits::kLinkConnectionsMax});
  permits.port_min = static_cast<std::uint16_t>(port_min);
  permits.port_max = static_cast<std::uint16_t>(port_max);
  permits.proxies_max = static_cast<std::size_t>(proxies_max);
  permits.connections_max = static_cast<std::size_t>(connections_max);
}

}  // namespace

void read_toxiproxy(const json& value, Problems& problems, AgentConfig& config) {
  Fields in(value, "toxiproxy", problems);
  std::string listen;
  in.need("listen", listen);
  ProxyPermits permits;
  read_permits(in, permits);
  in.done();
  if (listen.empty()) return;
  const auto where = parse_host_port(listen);
  if (!where) return in.problem("listen", where.error().message);
  const bool v6 = where->host == "[::1]";
  if (!v6 && !(is_ipv4(where->host) && where->host.starts_with("127."))) {
    return in.problem("listen", cat("`", where->host,
                                    "` must be of 127.0.0.0/8, or [::1]: clients of this API send "
                                    "no token"));
  }
  permits.own = {v6 ? "::1" : where->host, where->port};
  config.toxiproxy = {permits.own.host, permits.own.port, std::move(permits)};
}

}  // namespace panshi::agent
