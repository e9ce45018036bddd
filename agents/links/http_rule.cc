// SPDX-License-Identifier: Apache-2.0
#include "agents/links/http_rule.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/io/http_answer.h"

namespace panshi::agent {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

bool same(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_token(std::string_view text) {  // RFC 9110, 5.6.2
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

}  // namespace

bool HttpRule::touches(std::string_view method_of, std::string_view target) const {
  if (!method.empty() && method != method_of) return false;
  return matches_glob(path, target.substr(0, target.find('?')));
}

Status check_rule(const HttpRule& rule) {
  if (rule.status < 200 || rule.status > 599) {
    return fail(ErrorCode::kInvalid, "an answered status is from 200 to 599");
  }
  if (!rule.header.empty() && !is_token(rule.header)) {
    return fail(ErrorCode::kInvalid, cat("`", rule.header, "` is not a name for a header"));
  }
  const auto bad = rule.value.find_first_of(std::string_view("\r\n\0", 3));
  if (bad != std::string::npos) {
    return fail(ErrorCode::kInvalid, "the value of a header is one line");
  }
  if (rule.body.size() > HttpRule::kTextMax || rule.value.size() > HttpRule::kTextMax) {
    return fail(ErrorCode::kInvalid,
                cat("a body or value has at most ", HttpRule::kTextMax, " bytes"));
  }
  return {};
}

bool matches_glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {  // the last star takes one character more
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string without_header(std::string_view head, std::string_view name) {
  std::string out;
  bool dropping = false;
  for (std::size_t at = 0; at < head.size();) {
    const std::size_t end = std::min(head.find(kLineEnd, at), head.size() - kLineEnd.size());
    const std::string_view line = head.substr(at, end - at);
    const bool goes_on = line.starts_with(' ') || line.starts_with('\t');  // an obsolete fold
    if (!goes_on) dropping = at > 0 && same(line.substr(0, line.find(':')), name);
    if (!dropping || line.empty()) out += cat(line, kLineEnd);
    at = end + kLineEnd.size();
  }
  return out;
}

std::string with_header(std::string_view head, std::string_view name, std::string_view value) {
  std::string out = without_header(head, name);
  out.resize(out.size() - kLineEnd.size());  // the empty line
  return out + cat(name, ": ", value, kLineEnd, kLineEnd);
}

std::string answer_of(const HttpRule& rule, bool keep_alive, bool to_head) {
  const bool has_body = rule.status != 204 && rule.status != 304;
  std::string out = cat("HTTP/1.1 ", rule.status, " ", http_reason(rule.status), kLineEnd);
  if (has_body) {
    out += cat("Content-Type: text/plain; charset=utf-8", kLineEnd,
               "Content-Length: ", rule.body.size(), kLineEnd);
  }
  out += cat("Connection: ", keep_alive ? "keep-alive" : "close", kLineEnd, kLineEnd);
  return has_body && !to_head ? out + rule.body : out;
}

}  // namespace panshi::agent
