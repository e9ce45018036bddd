// SPDX-License-Identifier: Apache-2.0
// Keys that several kinds have.
#include <algorithm>
#include <array>

#include "agents/config/host_port.h"
#include "agents/probes/kinds/parts.h"
#include "core/base/ids.h"
#include "core/base/text.h"

namespace panshi::agent {

using nlohmann::json;

void read_server(Fields& in, ProbeTarget& target) {
  std::int64_t port = 0;
  in.need("host", target.host);
  in.need("port", port, {1, 65'535});
  target.port = static_cast<std::uint16_t>(port);
  if (target.host == "localhost") target.host = "127.0.0.1";
}

void read_role(Fields& in, ProbeTarget& target) {
  static const std::array<std::string, 2> kRoles = {"primary", "replica"};
  in.may_word("role", target.role, kRoles);
}

void read_url(Fields& in, ProbeTarget& target) {
  std::string url;
  in.need("url", url);
  if (url.empty()) return;
  constexpr std::string_view kScheme = "http://";
  const auto wrong = [&] {
    in.problem("url", cat("`", url, "` must be like http://127.0.0.1:8080/healthz"));
  };
  if (!url.starts_with(kScheme)) return wrong();
  const std::size_t slash = url.find('/', kScheme.size());
  std::string authority = url.substr(kScheme.size(), slash - kScheme.size());
  if (authority.find(':') == std::string::npos) authority += ":80";
  const auto where = parse_host_port(authority);
  if (!where) return wrong();
  target.host = where->host == "localhost" ? "127.0.0.1" : where->host;
  target.port = where->port;
  target.path = slash == std::string::npos ? "/" : url.substr(slash);
  const bool printable = std::all_of(target.path.begin(), target.path.end(),
                                     [](char c) { return c > ' ' && c < 0x7f; });
  if (!printable) return wrong();
  if (is_ipv4(target.host)) return;
  in.problem("url", cat("`", target.host, "` must be an IPv4 address: a probe resolves no names"));
}

void read_signals(Fields& in, ProbeTarget& target,
                  const std::function<std::string(const std::string&)>& check) {
  const json* signals = in.may_value("signals");
  if (!signals) return;
  if (!signals->is_object() || signals->size() > limits::kProbeSignalsMax) {
    return in.problem("signals", cat("must be an object of at most ", limits::kProbeSignalsMax,
                                     " entries, `signal: where it is in the answer`"));
  }
  for (const auto& [signal, where] : signals->items()) {
    if (!is_id(signal)) in.problem("signals", cat("`", signal, "` is not a name for a signal"));
    const std::string wrong = check(where.is_string() ? where.get<std::string>() : "");
    if (wrong.empty()) {
      target.pointers[signal] = where.get<std::string>();
    } else {
      in.problem(cat("signals.", signal), wrong);
    }
  }
}

}  // namespace panshi::agent
