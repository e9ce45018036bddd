// SPDX-License-Identifier: Apache-2.0
// HttpRule: which requests an HTTP-aware toxic touches, and what it changes. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace panshi::agent {

struct HttpRule {
  static constexpr std::size_t kTextMax = 64 * 1024;
  std::string method = {};  // "": any
  std::string path = "*";   // without the query; `*` stands for any characters
  int status = 503;         // answered by the link
  std::string header = {};
  std::string value = {};
  bool removes = false;     // the header, instead of setting it
  bool on_request = false;  // the header of the request instead of the answer
  std::string body = {};

  bool touches(std::string_view method_of, std::string_view target) const;
  friend bool operator==(const HttpRule&, const HttpRule&) = default;
};

// kInvalid: what cannot be put into a message.
Status check_rule(const HttpRule& rule);

bool matches_glob(std::string_view pattern, std::string_view text);

// `head` is a whole head, from its first line to the empty one. Every header of that name goes;
// with a value, one comes in their place.
std::string without_header(std::string_view head, std::string_view name);
std::string with_header(std::string_view head, std::string_view name, std::string_view value);

// A whole answer, made by the link itself.
std::string answer_of(const HttpRule& rule, bool keep_alive, bool to_head);

}  // namespace panshi::agent
