// SPDX-License-Identifier: Apache-2.0
// Whatever stands in a file of a certificate, as PEM or in the PEM, it is read or refused; a peer's
// name that comes out of it is a role and an id.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/io/tls.h"

namespace {

void look(const std::string& pem) {
  const auto read = panshi::read_certificate(pem);
  if (!read || read->peer.empty()) return;
  const auto slash = read->peer.find('/');
  CHECK_BUG(slash != std::string::npos && panshi::is_id(read->peer.substr(0, slash)) &&
            panshi::is_id(read->peer.substr(slash + 1)));
}

// In lines of 64 (RFC 7468).
std::string base64(std::span<const std::uint8_t> bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t three = 0;
    for (std::size_t i = at; i < at + 3; ++i)
      three = three << 8 | (i < bytes.size() ? bytes[i] : 0);
    if (at % 48 == 0 && at > 0) text += '\n';
    for (std::size_t i = 0; i < 4; ++i) {
      text += at + i > bytes.size() ? '=' : kDigits[three >> (18 - 6 * i) & 63];
    }
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  look({reinterpret_cast<const char*>(data), size});
  look("-----BEGIN CERTIFICATE-----\n" + base64({data, size}) + "\n-----END CERTIFICATE-----\n");
  return 0;
}
