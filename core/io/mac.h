// SPDX-License-Identifier: Apache-2.0
// mac: the proof that we wrote a text ourselves (HMAC-SHA-256, RFC 2104).
//
// Whoever knows the key can make one, nobody else. The only user of OpenSSL's libcrypto. Any
// thread.
#pragma once

#include <string>
#include <string_view>

namespace panshi {

// 32 hex digits: the first half of the HMAC, which RFC 2104 (section 5) allows.
std::string mac_of(std::string_view key, std::string_view text);
// In constant time.
bool is_mac_of(std::string_view mac, std::string_view key, std::string_view text);

// SHA-256 (FIPS 180-4) in 64 hex digits.
std::string sha256_of(std::string_view text);

// 32 random bytes of the system.
std::string random_key();

}  // namespace panshi
