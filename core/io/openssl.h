// SPDX-License-Identifier: Apache-2.0
// OpenSSL's objects with owners, and its last error in words. For core/io/tls*.cc and core/pki
// alone.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace panshi::openssl {

template <class Object, void (*free)(Object*)>
struct Free {
  void operator()(Object* object) const { free(object); }
};
template <class Object, void (*free)(Object*)>
using Owned = std::unique_ptr<Object, Free<Object, free>>;

using Certificate = Owned<X509, X509_free>;
using RevokedList = Owned<X509_CRL, X509_CRL_free>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Store = Owned<X509_STORE, X509_STORE_free>;
using StoreContext = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;
using Context = Owned<SSL_CTX, SSL_CTX_free>;
using Session = Owned<SSL, SSL_free>;
using Names = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using Bytes = Owned<BIO, BIO_free_all>;
struct FreeStack {  // not what is in it
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using Between = std::unique_ptr<STACK_OF(X509), FreeStack>;

inline Bytes read_only(std::string_view text) {
  return Bytes(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// All that there are, in their order. Reading behind the last one leaves an error, which is none.
inline std::vector<Certificate> certificates_of(std::string_view pem) {
  std::vector<Certificate> all;
  const Bytes in = read_only(pem);
  while (X509* const each = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    all.emplace_back(each);
  }
  ERR_clear_error();
  return all;
}
inline std::vector<RevokedList> revoked_lists_of(std::string_view pem) {
  std::vector<RevokedList> all;
  const Bytes in = read_only(pem);
  while (X509_CRL* const each = PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)) {
    all.emplace_back(each);
  }
  ERR_clear_error();
  return all;
}
// Null where there is none; a password is never asked for.
inline Certificate certificate_of(std::string_view pem) {
  return Certificate(PEM_read_bio_X509(read_only(pem).get(), nullptr, nullptr, nullptr));
}
inline Key key_of(std::string_view pem) {
  const auto no_password = [](char*, int, int, void*) { return -1; };
  return Key(PEM_read_bio_PrivateKey(read_only(pem).get(), nullptr, no_password, nullptr));
}
inline RevokedList revoked_list_of(std::string_view pem) {
  return RevokedList(PEM_read_bio_X509_CRL(read_only(pem).get(), nullptr, nullptr, nullptr));
}

// Takes it out of the thread's queue of errors.
inline std::string last_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

}  // namespace panshi::openssl
