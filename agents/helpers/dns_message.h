// SPDX-License-Identifier: Apache-2.0
// As much of DNS (RFC 1035) as a resolver needs that only breaks names: which name is asked for,
// and an answer made from the question. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace panshi::agent {

struct DnsQuestion {
  std::string name;  // lower case, without the last dot; "" is the root
  std::uint16_t type = 0;
  std::size_t end = 0;  // where the question ends in the query
};

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeAaaa = 28;

// None: it is no query with one question, or is cut short.
std::optional<DnsQuestion> read_question(const std::string& query);

enum class DnsCode : std::uint8_t { kNoError = 0, kServfail = 2, kNxdomain = 3, kRefused = 5 };
// The answer to `query`. `address`: 4 or 16 bytes; left out when the question's type is not its.
std::string make_answer(const std::string& query, const DnsQuestion& question, DnsCode code,
                        const std::string& address);

// Is it, or is it under, one of those? An empty list: every name is.
bool is_under(const std::string& name, const std::vector<std::string>& names);

}  // namespace panshi::agent
