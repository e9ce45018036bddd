// SPDX-License-Identifier: Apache-2.0
// Authority: makes the certificates with which controller, agents and people prove to one another
// who they are (core/io/tls.h). One folder, which belongs on no host that serves.
//
// ca.crt, ca.key        the authority's own; the key is all that must stay secret
// revoked.pem           serials that are refused before their time (CRL)
// issued/node-n-1.crt   and .key, the last ones of each name
// issued/earlier/       certificates of those names before
//
// EC keys on P-256. Not thread safe; two programs on one folder wait for one another.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/tls.h"

namespace panshi {

class Authority {
 public:
  static constexpr Duration kLife = std::chrono::hours(24 * 3'650);        // of its own certificate
  static constexpr Duration kDefaultValid = std::chrono::hours(24 * 365);  // of those it issues

  // Whom a certificate is for.
  struct Subject {
    std::string role;                     // one of roles()
    std::string name;                     // an id
    std::vector<std::string> names = {};  // host names and addresses to be reached at
  };
  struct Issued {
    std::filesystem::path certificate;
    std::filesystem::path key;
    TlsCertificate about;
    bool revoked = false;
    std::string problem = {};  // why no more is known of this one
  };
  static constexpr const char* kDefaultFolder = "tls";

  // "node" and "controller" are reached, too; "user" only calls.
  static const std::vector<std::string>& roles();
  // "node/n-1"; kInvalid says what a subject looks like.
  static Result<Subject> read_subject(const std::string& text);

  // kConflict: there is one already.
  static Result<Authority> create(const std::filesystem::path& folder, WallTime now);
  // kNotFound: says how to make one.
  static Result<Authority> open(const std::filesystem::path& folder);

  // Writes key and certificate. At most until the authority's own end: without `valid` it is cut,
  // with it kInvalid. kConflict: there is one that is good until its end; renew() replaces it.
  Result<Issued> issue(const Subject& subject, WallTime now, std::optional<Duration> valid = {});
  // The same subject again with a new key, and with `names`, if there are any. The one before stays
  // valid until its end. kNotFound.
  Result<Issued> renew(const std::string& peer, WallTime now, std::optional<Duration> valid = {},
                       const std::vector<std::string>& names = {});
  // Its own certificate again, with a new end and the same key: what it signed stays good, at hosts
  // that have the new file and at those that have the old one.
  Status renew_itself(WallTime now);
  // Whatever was issued for that name, also before it was renewed. kNotFound. Hosts refuse it once
  // they have the new list.
  Result<Issued> revoke(const std::string& peer, WallTime now);
  Result<std::vector<Issued>> issued() const;  // by name; those that cannot be read, too
  // What people type for it: "panshi tls renew node/n-1 --dir /root/tls".
  std::string command(const std::string& verb) const;
  TlsCertificate certificate() const;
  // What a host needs, for Tls::load(). They need not be there yet.
  TlsFiles files_of(const std::string& peer) const { return files_in(folder_, peer); }
  static TlsFiles files_in(const std::filesystem::path& folder, const std::string& peer);

 private:
  explicit Authority(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<Issued> find(const std::string& peer) const;
  Result<std::string> revoked_list() const;
  // REQUIRES: the lock is held.
  Result<Issued> write(const Subject& subject, WallTime now, std::optional<Duration> valid);

  std::filesystem::path folder_;
};

}  // namespace panshi
