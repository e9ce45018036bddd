// SPDX-License-Identifier: Apache-2.0
#include "core/pki/authority.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/ip_address.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/openssl.h"
#include "core/io/private_folder.h"
#include "core/io/trusted_path.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;
using namespace openssl;

constexpr unsigned kSecret = 0600;
constexpr std::size_t kSerialBytes = 16;
constexpr const char* kEarlier = "issued/earlier";
// A clock that is a little behind must not refuse what was issued just now.
constexpr Duration kBackdated = std::chrono::minutes(5);

time_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Key make_key() {
  Key key(EVP_EC_gen("P-256"));
  CHECK_BUG(key != nullptr);
  return key;
}

std::string written(const Bytes& bytes) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bytes.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}
std::string pem_of(X509* certificate) {
  const Bytes out(BIO_new(BIO_s_mem()));
  CHECK_BUG(PEM_write_bio_X509(out.get(), certificate) == 1);
  return written(out);
}
std::string pem_of(X509_CRL* list) {
  const Bytes out(BIO_new(BIO_s_mem()));
  CHECK_BUG(PEM_write_bio_X509_CRL(out.get(), list) == 1);
  return written(out);
}
std::string pem_of(EVP_PKEY* key) {
  const Bytes out(BIO_new(BIO_s_mem()));
  CHECK_BUG(PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) ==
            1);
  return written(out);
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  CHECK_BUG(made != nullptr && X509_add_ext(certificate, made, -1) == 1);
  X509_EXTENSION_free(made);
}

// Without its issuer, extensions and signature.
Certificate blank_certificate(const std::string& name, EVP_PKEY* key, WallTime from,
                              WallTime until) {
  Certificate certificate(X509_new());
  std::array<unsigned char, kSerialBytes> serial;
  CHECK_BUG(RAND_bytes(serial.data(), static_cast<int>(serial.size())) == 1);
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7f) | 0x40);  // positive, of full length
  const std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> number(
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr), BN_free);
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get()));
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), seconds_of(from));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), seconds_of(until));
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  // The field holds 64 characters; who somebody is stands in the URI.
  const std::string shown = name.substr(0, 64);
  CHECK_BUG(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(shown.data()),
                                       static_cast<int>(shown.size()), -1, 0) == 1 &&
            X509_set_pubkey(certificate.get(), key) == 1);
  return certificate;
}

Certificate own_certificate(EVP_PKEY* key, WallTime now) {
  Certificate made =
      blank_certificate("Panshi authority", key, now - kBackdated, now + Authority::kLife);
  X509* const certificate = made.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
  CHECK_BUG(X509_sign(certificate, key, EVP_sha256()) > 0);
  return made;
}

// 999.1.1.1 is neither that nor an address: a name does not end in a number.
bool is_host(const std::string& text) {
  const std::string last = text.substr(text.rfind('.') + 1);
  return is_id(text) && last.find_first_not_of("0123456789") != std::string::npos;
}

bool is_reached(const std::string& role) { return role != "user"; }

Status check_subject(const Authority::Subject& subject) {
  const auto& roles = Authority::roles();
  if (std::find(roles.begin(), roles.end(), subject.role) == roles.end()) {
    return fail(ErrorCode::kInvalid, cat("`", subject.role, "` is not a role; there are ",
                                         join(roles, ", "), did_you_mean(subject.role, roles)));
  }
  if (!is_id(subject.name)) {
    return fail(ErrorCode::kInvalid,
                cat("`", subject.name, "` is not a name: letters, digits, `_`, `.` and `-`"));
  }
  if (!subject.names.empty() && !is_reached(subject.role)) {
    return fail(ErrorCode::kInvalid, "a user has no addresses: it calls, and is not called");
  }
  for (const std::string& name : subject.names) {
    if (is_ip_address(name) || (is_host(name) && is_reached(subject.role))) continue;
    return fail(ErrorCode::kInvalid, cat("`", name, "` is neither a host name nor an address"));
  }
  return {};
}

std::string alternative_names(const Authority::Subject& subject) {
  std::string all = cat("URI:", kTlsNamePrefix, subject.role, "/", subject.name);
  if (!is_reached(subject.role)) return all;
  std::vector<std::string> names = subject.names;
  names.insert(names.begin(), subject.name);
  std::sort(names.begin() + 1, names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const std::string& name : names) all += cat(",", is_ip_address(name) ? "IP:" : "DNS:", name);
  return all;
}

Result<TlsCertificate> certificate_in(const fs::path& file, const std::string& pem) {
  auto about = read_certificate(pem);
  if (about) return about;
  return fail(ErrorCode::kInvalid,
              cat(file.string(), " ", about.error().message, ": put back the one that was there"));
}

std::string file_name(const std::string& peer) {
  std::string name = peer;
  std::replace(name.begin(), name.end(), '/', '-');
  return name;
}

struct Signer {
  Certificate certificate;
  Key key;
};

// Whoever may read the key or write beside it is the authority, too.
Status check_folder(const fs::path& folder) {
  const fs::path key = folder / "ca.key";
  for (const fs::path& each : {key, folder / "issued"}) {
    if (auto ours = check_trusted(each); !ours) return ours;
  }
  struct stat about = {};
  if (::stat(key.c_str(), &about) == 0 && (about.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
  return fail(ErrorCode::kRefused, cat(key.string(), ": others may read this key: chmod 600 ",
                                       key.string(), ", and make a new authority if one did"));
}

Result<Signer> signer_of(const fs::path& folder) {
  if (auto ours = check_folder(folder); !ours) return tl::unexpected(ours.error());
  ASSIGN_OR_RETURN(const std::string certificate, read_file(folder / "ca.crt"));
  ASSIGN_OR_RETURN(const std::string key, read_file(folder / "ca.key"));
  Signer signer{certificate_of(certificate), key_of(key)};
  if (!signer.certificate || !signer.key ||
      X509_check_private_key(signer.certificate.get(), signer.key.get()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalid,
                cat((folder / "ca.key").string(), ": is not the key of ca.crt beside it"));
  }
  return signer;
}

// The list with one more serial; without one: an empty list.
Result<std::string> revoked_with(const Signer& signer, const std::string& before,
                                 const ASN1_INTEGER* serial, WallTime now) {
  RevokedList list(X509_CRL_new());
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(signer.certificate.get()));
  const std::unique_ptr<ASN1_TIME, void (*)(ASN1_TIME*)> from(
      ASN1_TIME_set(nullptr, seconds_of(now - kBackdated)), ASN1_TIME_free);
  const std::unique_ptr<ASN1_TIME, void (*)(ASN1_TIME*)> until(
      ASN1_TIME_set(nullptr, seconds_of(now + Authority::kLife)), ASN1_TIME_free);
  X509_CRL_set1_lastUpdate(list.get(), from.get());
  X509_CRL_set1_nextUpdate(list.get(), until.get());
  if (!before.empty()) {
    const RevokedList old = revoked_list_of(before);
    if (!old) return fail(ErrorCode::kInvalid, "revoked.pem is not a list of revoked certificates");
    STACK_OF(X509_REVOKED)* const entries = X509_CRL_get_REVOKED(old.get());
    for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
      X509_CRL_add0_revoked(list.get(), X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i)));
    }
  }
  X509_REVOKED* ignored = nullptr;
  if (serial != nullptr && X509_CRL_get0_by_serial(list.get(), &ignored, serial) == 0) {
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, const_cast<ASN1_INTEGER*>(serial));
    X509_REVOKED_set_revocationDate(entry, from.get());
    X509_CRL_add0_revoked(list.get(), entry);
  }
  // Of two authorities of one name, by which key it is signed.
  X509V3_CTX context;
  X509V3_set_ctx(&context, signer.certificate.get(), nullptr, nullptr, list.get(), 0);
  X509_EXTENSION* const key_id =
      X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid");
  CHECK_BUG(key_id != nullptr && X509_CRL_add_ext(list.get(), key_id, -1) == 1);
  X509_EXTENSION_free(key_id);
  X509_CRL_sort(list.get());
  CHECK_BUG(X509_CRL_sign(list.get(), signer.key.get(), EVP_sha256()) > 0);
  return pem_of(list.get());
}

}  // namespace

const std::vector<std::string>& Authority::roles() {
  static const std::vector<std::string> kRoles = {"controller", "node", "user"};
  return kRoles;
}

Result<Authority::Subject> Authority::read_subject(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) {
    return fail(ErrorCode::kInvalid,
                cat("`", text, "` is not ROLE/NAME, as node/n-1, controller/main or user/alice"));
  }
  Subject subject{text.substr(0, slash), text.substr(slash + 1)};
  if (auto good = check_subject(subject); !good) return tl::unexpected(good.error());
  return subject;
}

Result<Authority> Authority::create(const fs::path& folder, WallTime now) {
  if (auto made = make_private_folder(folder, "ca.key"); !made) return tl::unexpected(made.error());
  ASSIGN_OR_RETURN(const LockFile lock, LockFile::acquire(folder / "lock"));
  if (std::error_code error;
      fs::exists(folder / "ca.crt", error) || fs::exists(folder / "ca.key", error)) {
    return fail(ErrorCode::kConflict, cat(folder.string(), ": there is an authority already"));
  }
  if (auto made = make_private_folder(folder / "issued"); !made)
    return tl::unexpected(made.error());
  Signer signer;
  signer.key = make_key();
  signer.certificate = own_certificate(signer.key.get(), now);
  X509* const certificate = signer.certificate.get();
  ASSIGN_OR_RETURN(const std::string nobody, revoked_with(signer, "", nullptr, now));
  // The certificate last: with it the authority is there.
  for (const auto& [name, text, mode] :
       {std::tuple(fs::path("ca.key"), pem_of(signer.key.get()), kSecret),
        std::tuple(fs::path("revoked.pem"), nobody, 0644U),
        std::tuple(fs::path("ca.crt"), pem_of(certificate), 0644U)}) {
    if (auto kept = write_file_durably(folder / name, text, mode); !kept) {
      return tl::unexpected(kept.error());
    }
  }
  return Authority(folder);
}

Result<Authority> Authority::open(const fs::path& folder) {
  const auto certificate = read_file(folder / "ca.crt");
  if (certificate) return Authority(folder);
  if (certificate.error().code != ErrorCode::kNotFound) {
    return fail(ErrorCode::kRefused, cat(certificate.error().message,
                                         "; an authority is for its owner alone, or root: sudo"));
  }
  return fail(ErrorCode::kNotFound,
              cat(folder.string(), ": there is no authority; make one: panshi tls init --dir ",
                  folder.string()));
}

Result<Authority::Issued> Authority::issue(const Subject& subject, WallTime now,
                                           std::optional<Duration> valid) {
  if (auto good = check_subject(subject); !good) return tl::unexpected(good.error());
  ASSIGN_OR_RETURN(const LockFile lock, LockFile::acquire(folder_ / "lock"));
  const std::string peer = cat(subject.role, "/", subject.name);
  if (const auto before = find(peer); before && !before->revoked && before->about.until > now) {
    return fail(ErrorCode::kConflict,
                cat(peer, " has a certificate that is good until ", utc_minute(before->about.until),
                    ": ", command("renew " + peer), " makes the next one"));
  }
  return write(subject, now, valid);
}

Result<Authority::Issued> Authority::write(const Subject& subject, WallTime now,
                                           std::optional<Duration> valid) {
  if (auto good = check_subject(subject); !good) return tl::unexpected(good.error());
  ASSIGN_OR_RETURN(const Signer signer, signer_of(folder_));
  // Before anything is made.
  if (auto list = revoked_list(); !list) return tl::unexpected(list.error());
  const std::string peer = cat(subject.role, "/", subject.name);
  const Key key = make_key();
  X509* const by = signer.certificate.get();
  const WallTime end = certificate().until;
  const WallTime until = now + valid.value_or(kDefaultValid);
  if (end <= now || (valid && until > end)) {
    return fail(ErrorCode::kInvalid,
                cat("the authority itself ends on ", utc_minute(end),
                    ", and what it signs no later: ", command("renew authority")));
  }
  const Certificate certificate =
      blank_certificate(peer, key.get(), now - kBackdated, std::min(until, end));
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(by));
  add_extension(certificate.get(), by, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), by, NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), by, NID_ext_key_usage,
                is_reached(subject.role) ? "serverAuth,clientAuth" : "clientAuth");
  add_extension(certificate.get(), by, NID_authority_key_identifier, "keyid");
  add_extension(certificate.get(), by, NID_subject_alt_name, alternative_names(subject));
  CHECK_BUG(X509_sign(certificate.get(), signer.key.get(), EVP_sha256()) > 0);
  const TlsFiles files = files_of(peer);
  // Good until its end all the same, so that revoke() must still know it.
  if (const auto before = read_file(files.certificate)) {
    ASSIGN_OR_RETURN(const TlsCertificate old, certificate_in(files.certificate, *before));
    fs::create_directories(folder_ / kEarlier);
    const fs::path kept_as = folder_ / kEarlier / cat(file_name(peer), "-", old.serial, ".crt");
    if (auto kept = write_file_durably(kept_as, *before); !kept) {
      return tl::unexpected(kept.error());
    }
  }
  if (auto kept = write_file_durably(files.key, pem_of(key.get()), kSecret); !kept) {
    return tl::unexpected(kept.error());
  }
  if (auto kept = write_file_durably(files.certificate, pem_of(certificate.get())); !kept) {
    return tl::unexpected(kept.error());
  }
  return find(peer);
}

Result<Authority::Issued> Authority::renew(const std::string& peer, WallTime now,
                                           std::optional<Duration> valid,
                                           const std::vector<std::string>& names) {
  ASSIGN_OR_RETURN(Subject subject, read_subject(peer));
  ASSIGN_OR_RETURN(const LockFile lock, LockFile::acquire(folder_ / "lock"));
  ASSIGN_OR_RETURN(const Issued last, find(peer));
  subject.names = names.empty() ? last.about.names : names;
  std::erase(subject.names, subject.name);
  return write(subject, now, valid);
}

Status Authority::renew_itself(WallTime now) {
  ASSIGN_OR_RETURN(const LockFile lock, LockFile::acquire(folder_ / "lock"));
  ASSIGN_OR_RETURN(const Signer signer, signer_of(folder_));
  return write_file_durably(folder_ / "ca.crt",
                            pem_of(own_certificate(signer.key.get(), now).get()), 0644);
}

Result<Authority::Issued> Authority::revoke(const std::string& peer, WallTime now) {
  ASSIGN_OR_RETURN(const LockFile lock, LockFile::acquire(folder_ / "lock"));
  ASSIGN_OR_RETURN(Issued last, find(peer));
  ASSIGN_OR_RETURN(const Signer signer, signer_of(folder_));
  ASSIGN_OR_RETURN(std::string list, revoked_list());
  std::vector<fs::path> all = {last.certificate};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_ / kEarlier, error)) {
    all.push_back(entry.path());
  }
  for (const fs::path& each : all) {
    ASSIGN_OR_RETURN(const std::string pem, read_file(each));
    ASSIGN_OR_RETURN(const TlsCertificate about, certificate_in(each, pem));
    if (about.peer != peer) continue;
    const Certificate certificate = certificate_of(pem);
    ASSIGN_OR_RETURN(list,
                     revoked_with(signer, list, X509_get0_serialNumber(certificate.get()), now));
  }
  if (auto kept = write_file_durably(folder_ / "revoked.pem", list); !kept) {
    return tl::unexpected(kept.error());
  }
  last.revoked = true;
  return last;
}

Result<Authority::Issued> Authority::find(const std::string& peer) const {
  const TlsFiles files = files_of(peer);
  const auto pem = read_file(files.certificate);
  if (!pem && pem.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound,
                cat("nothing was issued for ", peer, "; ", command("show"), " lists what was"));
  }
  if (!pem) return tl::unexpected(pem.error());
  ASSIGN_OR_RETURN(TlsCertificate about, certificate_in(files.certificate, *pem));
  ASSIGN_OR_RETURN(const std::string list, revoked_list());
  const Certificate certificate = certificate_of(*pem);
  const RevokedList revoked = revoked_list_of(list);
  X509_REVOKED* entry = nullptr;
  const bool is_revoked =
      revoked && X509_CRL_get0_by_serial(revoked.get(), &entry,
                                         X509_get0_serialNumber(certificate.get())) != 0;
  return Issued{files.certificate, files.key, std::move(about), is_revoked};
}

Result<std::vector<Authority::Issued>> Authority::issued() const {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_ / "issued", error)) {
    if (entry.path().extension() == ".crt") files.push_back(entry.path());
  }
  if (error) {
    return fail(ErrorCode::kRefused, cat((folder_ / "issued").string(), ": ", error.message()));
  }
  std::sort(files.begin(), files.end());
  std::vector<Issued> all;
  for (const fs::path& file : files) {
    const auto pem = read_file(file);
    const auto about = pem ? certificate_in(file, *pem) : tl::unexpected(pem.error());
    // One that cannot be read hides no other.
    auto each = about ? find(about->peer) : tl::unexpected(about.error());
    if (each) all.push_back(*std::move(each));
    if (each) continue;
    all.emplace_back().certificate = file;
    all.back().problem = each.error().message;
  }
  return all;
}

std::string Authority::command(const std::string& verb) const {
  return cat("panshi tls ", verb,
             folder_ == kDefaultFolder ? std::string() : cat(" --dir ", folder_.string()));
}

Result<std::string> Authority::revoked_list() const {
  auto list = read_file(folder_ / "revoked.pem");
  if (list) return list;
  return fail(
      list.error().code,
      cat(list.error().message, ": it says who is revoked; put it back from a host that has it"));
}

TlsCertificate Authority::certificate() const {
  return read_certificate(read_file(folder_ / "ca.crt").value_or("")).value_or(TlsCertificate());
}

TlsFiles Authority::files_in(const fs::path& folder, const std::string& peer) {
  const fs::path base = folder / "issued" / file_name(peer);
  return {base.string() + ".crt", base.string() + ".key", folder / "ca.crt",
          folder / "revoked.pem"};
}

}  // namespace panshi
