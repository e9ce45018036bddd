// SPDX-License-Identifier: Apache-2.0
#include "core/io/tls_certificate.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <ctime>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/text.h"

namespace panshi {
namespace {

using namespace openssl;

WallTime wall_of(const ASN1_TIME* time) {
  std::tm broken = {};
  if (ASN1_TIME_to_tm(time, &broken) != 1) return {};  // as good as expired
  return WallTime(std::chrono::seconds(::timegm(&broken)));
}

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string address_of(const ASN1_OCTET_STRING* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  const char* const shown = ::inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(),
                                        static_cast<socklen_t>(text.size()));
  return shown == nullptr ? "" : shown;
}

// "node/n-1" of "panshi:node/n-1".
std::string peer_of(const std::string& uri) {
  if (!uri.starts_with(kTlsNamePrefix)) return "";
  const std::string peer = uri.substr(kTlsNamePrefix.size());
  const auto slash = peer.find('/');
  const bool whole =
      slash != std::string::npos && is_id(peer.substr(0, slash)) && is_id(peer.substr(slash + 1));
  return whole ? peer : "";
}

}  // namespace

TlsCertificate described(X509* certificate) {
  TlsCertificate out;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  int uris = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI && ++uris == 1) out.peer = peer_of(text_of(name->d.ia5));
    if (name->type == GEN_DNS) out.names.push_back(text_of(name->d.ia5));
    if (name->type == GEN_IPADD) out.names.push_back(address_of(name->d.ip));
  }
  if (uris > 1) out.peer.clear();  // two of them would be two people
  const std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr), BN_free);
  const std::unique_ptr<char, void (*)(char*)> hex(BN_bn2hex(number.get()),
                                                   [](char* text) { OPENSSL_free(text); });
  out.serial = lower(hex.get());
  out.from = wall_of(X509_get0_notBefore(certificate));
  out.until = wall_of(X509_get0_notAfter(certificate));
  return out;
}

std::string utc_minute(WallTime time) {
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm broken = {};
  ::gmtime_r(&seconds, &broken);
  std::array<char, 32> text = {};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &broken);
  return text.data();
}

Result<TlsCertificate> read_certificate(std::string_view pem) {
  const Certificate certificate = certificate_of(pem);
  if (!certificate) return fail(ErrorCode::kInvalid, "is not a certificate in PEM");
  return described(certificate.get());
}

namespace {

struct ExpectedPeer {
  const std::string& peer;
  std::string& refused;
};

int verify_expected(X509_STORE_CTX* context, void* user) {
  const auto& expected = *static_cast<const ExpectedPeer*>(user);
  if (X509_verify_cert(context) != 1) return 0;
  const std::string is = described(X509_STORE_CTX_get0_cert(context)).peer;
  const bool role = expected.peer.ends_with('/');
  if (role ? is.starts_with(expected.peer) : is == expected.peer) return 1;
  expected.refused =
      cat("nothing was sent: its certificate is that of ", is.empty() ? "nobody by name" : is,
          ", and not of ", expected.peer, role ? "NAME" : "");
  X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

void free_expected(void*, void* expected, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<ExpectedPeer*>(expected);
}

}  // namespace

void require_tls_peer(void* context, const std::string& peer, std::string& refused) {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_expected);
  auto* const ssl = static_cast<SSL_CTX*>(context);
  auto* const expected = new ExpectedPeer{peer, refused};  // owned by the context from here on
  CHECK_BUG(SSL_CTX_set_ex_data(ssl, kIndex, expected) == 1);
  SSL_CTX_set_cert_verify_callback(ssl, verify_expected, expected);
}

}  // namespace panshi
