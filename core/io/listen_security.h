// SPDX-License-Identifier: Apache-2.0
// With whom a program speaks where it listens, as its configuration says: `tls` and `insecure`. For
// agents and controller alike; docs/reference/tls.md.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/io/tls.h"
#include "core/json/fields.h"

namespace panshi {

struct ListenSecurity {
  std::optional<TlsFiles> tls;  // none: plain
  bool insecure = false;        // plain beyond loopback, on purpose
  bool operator==(const ListenSecurity&) const = default;
};

// 127.0.0.0/8, ::1 and `localhost`.
bool is_loopback(const std::string& address);

// Paths are relative to `base`. An `address` beyond loopback without `tls` is a problem, unless
// `insecure: true`.
ListenSecurity read_listen_security(Fields& in, const std::filesystem::path& base,
                                    const std::string& address);

// Served without TLS beyond loopback.
bool is_insecure(const ListenSecurity& security, const std::string& address);
// Into the log, at each start.
void warn_if_insecure(const ListenSecurity& security, const std::string& address);

// "… does not name 10.0.0.9 …: panshi tls renew controller/main --name 10.0.0.9", for a server that
// is called by its address; "" when it does, or when it listens at every address.
std::string warning_of_name(const Tls& tls, const std::string& address);

// For calls to others; null when there are none.
std::shared_ptr<const TlsFiles> tls_files(const ListenSecurity& security);
// The files that are named, checked and ready; null when none are. Errors as Tls::load(); kInvalid
// when the certificate is not one of `peer` ("node/n-1"), or, with "controller/", of any such one.
Result<std::shared_ptr<Tls>> load_tls(const ListenSecurity& security, const std::string& peer,
                                      WallTime now);

}  // namespace panshi
