// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "agents/config/config_parts.h"
#include "agents/limits.h"
#include "core/base/ids.h"
#include "core/base/text.h"

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
  in.done();
  return out;
}

void read_toxiproxy(const json& value, Problems& problems, AgentConfig& config) {
  Fields in(value, "toxiproxy", problems);
  std::string listen;
  in.need("listen", listen);
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
  config.toxiproxy = {v6 ? "::1" : where->host, where->port};
}

}  // namespace panshi::agent
