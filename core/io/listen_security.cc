// SPDX-License-Identifier: Apache-2.0
#include "core/io/listen_security.h"

#include <arpa/inet.h>

#include <algorithm>

#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi {

bool is_loopback(const std::string& address) {
  if (address == "localhost") return true;
  in_addr four = {};
  if (::inet_pton(AF_INET, address.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six = {};
  return ::inet_pton(AF_INET6, address.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

ListenSecurity read_listen_security(Fields& in, const std::filesystem::path& base,
                                    const std::string& address) {
  ListenSecurity security;
  in.may("insecure", security.insecure);
  if (const auto* value = in.may_value("tls")) {
    Fields tls(*value, in.path_of("tls"), in.problems());
    const auto file = [&](const char* key, bool needed, std::filesystem::path& out) {
      std::string name;
      needed ? tls.need(key, name) : tls.may(key, name);
      if (one_line(name) != name) tls.problem(key, "has a control character");
      if (!name.empty()) out = base / name;
    };
    TlsFiles& files = security.tls.emplace();
    file("certificate", true, files.certificate);
    file("key", true, files.key);
    file("authority", true, files.authority);
    file("revoked", false, files.revoked);
    tls.done();
  }
  if (address.empty() || security.tls || security.insecure || is_loopback(address)) return security;
  in.problem("address",
             cat("`", address,
                 "` is not a loopback address: whoever reads that network can read the token and "
                 "command this host; name certificates in `tls` (panshi tls issue makes them), or "
                 "write `insecure: true`"));
  return security;
}

bool is_insecure(const ListenSecurity& security, const std::string& address) {
  return !security.tls && !is_loopback(address);
}

void warn_if_insecure(const ListenSecurity& security, const std::string& address) {
  if (!is_insecure(security, address)) return;
  log_warn(cat("insecure: ", address,
               " is served without TLS; whoever reads that network can read the token"));
}

std::string warning_of_name(const Tls& tls, const std::string& address) {
  const TlsCertificate about = tls.certificate();
  const bool any = address == "0.0.0.0" || address == "::";
  if (any || std::find(about.names.begin(), about.names.end(), address) != about.names.end()) {
    return "";
  }
  return cat(tls.files().certificate.string(), " does not name ", address, ", only ",
             join(about.names, ", "),
             ": whoever calls it by that address will refuse it: panshi tls ", "renew ", about.peer,
             " --name ", address);
}

std::shared_ptr<const TlsFiles> tls_files(const ListenSecurity& security) {
  return security.tls ? std::make_shared<const TlsFiles>(*security.tls) : nullptr;
}

Result<std::shared_ptr<Tls>> load_tls(const ListenSecurity& security, const std::string& peer,
                                      WallTime now) {
  if (!security.tls) return std::shared_ptr<Tls>();
  ASSIGN_OR_RETURN(auto tls, Tls::load(*security.tls, now));
  const std::string is = tls->certificate().peer;
  const bool fits = peer.ends_with('/') ? is.starts_with(peer) : is == peer;
  if (!fits) {
    return fail(ErrorCode::kInvalid,
                cat(security.tls->certificate.string(), ": is the certificate of ",
                    is.empty() ? "nobody by name" : is, ", and this is ", peer,
                    peer.ends_with('/') ? "NAME" : "", ": panshi tls issue ", peer));
  }
  return tls;
}

}  // namespace panshi
