// SPDX-License-Identifier: Apache-2.0
// What is never told, and is replaced by "(struck out)" wherever a text is logged, journaled or
// answered: the secrets that never_show() was given, and, known by their shape alone, tokens that
// Panshi makes and private keys in PEM.
//
// A secret is also found as programs print it: base64 (at any place of a longer text, both
// alphabets, wrapped), hex, percent-encoded, escaped as in JSON, HTML or C, and one of these within
// another. Time is linear in the text. Whoever cuts a text strikes it first, by struck_head() or
// struck_tail(): of a secret on the cut nothing is left. Any thread; one registry a process.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace panshi {

constexpr std::size_t kSecretMin = 8;      // bytes: shorter ones are in half of all texts
constexpr std::size_t kSecretMax = 4'096;  // bytes
// Bytes that a secret has at most in any form, `\u0041` for each of its own being the longest, and
// that a private key has: whoever keeps a part of a text for showing keeps as much more around it.
constexpr std::size_t kSecretReach = 6 * kSecretMax;

// What tokens that we make begin with; 64 hex digits follow.
constexpr std::string_view kTokenPrefix = "panshi-token-";

// From now on `secret` is struck out; not when it is shorter than kSecretMin.
void never_show(const std::string& secret);
// Whether the whole text is a secret that was given.
bool is_never_shown(std::string_view text);

std::string without_secrets(std::string_view text);
// The first or last `size_max` bytes of it, without secrets: also without what of one is on the
// cut.
std::string struck_head(std::string_view text, std::size_t size_max);
std::string struck_tail(std::string_view text, std::size_t size_max);

}  // namespace panshi
