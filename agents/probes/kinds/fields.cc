// SPDX-License-Identifier: Apache-2.0
// Keys that several kinds have.
#include <algorithm>
#include <array>

#include "agents/config/host_port.h"
#include "agents/probes/kinds/parts.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/base/url.h"

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

namespace {

void read_https(Fields& in, ProbeTarget& target) {
  in.may("authority", target.authority);
  in.may("server_name", target.server_name);
  in.may("unchecked", target.unchecked);
  if (!target.server_name.empty() && !is_id(target.server_name)) {
    in.problem("server_name", "must be a host name, as the certificate has it");
  }
  if (target.unchecked && !(target.authority.empty() && target.server_name.empty())) {
    in.problem("unchecked", "takes any certificate, so leave out `authority` and `server_name`");
  }
  if (target.https) return;
  for (const char* key : {"authority", "server_name", "unchecked"}) {
    if (in.has(key)) in.problem(key, "is for https:// alone");
  }
}

}  // namespace

void read_url(Fields& in, ProbeTarget& target) {
  std::string url;
  in.need("url", url);
  target.https = url.starts_with("https://");
  read_https(in, target);
  if (url.empty()) return;
  const auto wrong = [&] {
    in.problem("url", cat("`", url, "` must be like http://127.0.0.1:8080/healthz"));
  };
  if (!target.https && !url.starts_with("http://")) return wrong();
  const std::size_t begin = url.find("//") + 2;
  const std::size_t slash = url.find('/', begin);
  std::string authority = url.substr(begin, slash - begin);
  if (has_user(url)) {
    return in.problem("url", kHoldsNoUser);
  }
  if (authority.find(':') == std::string::npos) authority += target.https ? ":443" : ":80";
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
