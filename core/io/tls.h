// SPDX-License-Identifier: Apache-2.0
// TLS 1.3 between controller, agents and people, with a certificate on each side: who we are and
// whom we believe, read from files and read again when those change. OpenSSL inside.
//
// A certificate of ours says who somebody is in a URI among its alternative names,
// "panshi:node/n-1": a role and a name, which is all that a peer is to us. docs/reference/tls.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/transport.h"

namespace panshi {

struct TlsFiles {
  std::filesystem::path certificate;   // PEM; with what is between it and the authority behind it
  std::filesystem::path key;           // PEM, readable by its owner alone
  std::filesystem::path authority;     // PEM of whoever signs the others; may be several
  std::filesystem::path revoked = {};  // PEM, a list (CRL) of each authority; "": nobody is
  bool operator==(const TlsFiles&) const = default;
};

constexpr std::string_view kTlsNamePrefix = "panshi:";

struct TlsCertificate {
  std::string peer;                     // "node/n-1"; "" when it names nobody
  std::vector<std::string> names = {};  // host names and addresses
  std::string serial;                   // in hex
  WallTime from{};
  WallTime until{};
};
std::string utc_minute(WallTime time);  // "2027-01-01 12:00 UTC"
// kInvalid: not a certificate. Reads the first one.
Result<TlsCertificate> read_certificate(std::string_view pem);

// For the calling side, whose library shakes hands by itself: `context`, an SSL_CTX, believes
// nobody but `peer` ("node/n-1"; "controller/": any of that role). Why somebody was not believed is
// in `refused`; both must live as long as the handshake.
void require_tls_peer(void* context, const std::string& peer, std::string& refused);

class Tls {
 public:
  // kNotFound, kRefused (the key is readable by others, or a file or its folder may be changed by
  // them), kInvalid (expired at `now`, not yet valid, not signed
  // by the authority, not of that key, revoked): says which file, what is wrong and what to type.
  static Result<std::shared_ptr<Tls>> load(TlsFiles files, WallTime now);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  const TlsFiles& files() const;
  // When what is in force took the place of something else; nothing while it never did.
  std::optional<MonoTime> changed() const;
  // As it was last read. Any thread, as all here.
  TlsCertificate certificate() const;
  // Reads the files again when one is another than it was: true, when that was taken in. What is
  // wrong with them is an error, and what was in force stays. Connections from before are no longer
  // is_current().
  Result<bool> refresh(WallTime now);
  // refresh() when the last was seconds ago; logs what came of it, and once a day that the
  // certificate is about to expire. For whoever comes by all the time.
  void look_after();
  // "expires on 2027-01-01 …: panshi tls renew node/n-1" in its last 30 days, else "". The same of
  // the authority, with `authority`.
  std::string warning(WallTime now) const;

  // The server's side of a connection that was accepted; `fd` stays the caller's. Who comes without
  // a certificate has no peer(); one that is not good ends the handshake.
  std::unique_ptr<Transport> accept(int fd);

 private:
  struct Impl;
  explicit Tls(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
