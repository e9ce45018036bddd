// SPDX-License-Identifier: Apache-2.0
#include "core/io/mac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <span>

#include "core/base/check.h"
#include "core/io/files.h"

namespace panshi {

namespace {

std::string hex(std::span<const unsigned char> bytes) {
  std::string out;
  for (const unsigned char byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

}  // namespace

std::string mac_of(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  CHECK_BUG(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(),
                 digest.data(), &size) != nullptr);
  return hex(std::span(digest).first(16));
}

std::string sha256_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  CHECK_BUG(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  return hex(std::span(digest).first(size));
}

bool is_mac_of(std::string_view mac, std::string_view key, std::string_view text) {
  return equal_in_constant_time(mac, mac_of(key, text));
}

std::string random_key() {
  std::array<unsigned char, 32> bytes;
  CHECK_BUG(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  return {bytes.begin(), bytes.end()};
}

}  // namespace panshi
