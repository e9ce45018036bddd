// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "agents/config_parts.h"
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
    upstream.done();
    if (!names.insert(entry.name).second) {
      upstream.problem("name", cat("`", entry.name, "` is there twice"));
    }
    out.upstreams.push_back(std::move(entry));
  });
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
