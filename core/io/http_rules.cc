// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/ids.h"
#include "core/base/text.h"

namespace panshi {
namespace {

bool is_capture(std::string_view segment) { return segment.starts_with('{'); }

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  return std::equal(pattern.begin(), pattern.end(), path.begin(), path.end(),
                    [](const std::string& wanted, const std::string& segment) {
                      return is_capture(wanted) ? is_id(segment) : wanted == segment;
                    });
}

bool is_more_exact(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::lexicographical_compare(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const std::string& x, const std::string& y) { return !is_capture(x) && is_capture(y); });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Without port and brackets; empty when malformed.
std::string host_name(std::string_view host) {
  std::string_view name = host.substr(0, host.find(':'));
  std::string_view rest = host.substr(name.size());
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return "";
    name = host.substr(1, end - 1);
    rest = host.substr(end + 1);
  }
  const bool port_is_plain =
      rest.empty() || (rest.front() == ':' && content_length(rest.substr(1)));
  return port_is_plain ? lower(name) : "";
}

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> ignored;
  return inet_pton(AF_INET, name.c_str(), ignored.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), ignored.data()) == 1;
}

}  // namespace

std::size_t HttpRoutes::add(std::string method, std::string_view pattern) {
  routes_.push_back({std::move(method), split(pattern, '/')});
  return routes_.size() - 1;
}

HttpRoutes::Match HttpRoutes::find(std::string_view method, std::string_view path) const {
  Match match;
  const std::vector<std::string> segments = split(path, '/');
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const Route& route = routes_[i];
    if (!matches(route.segments, segments)) continue;
    if (match.allowed.find(route.method) == std::string::npos) {
      match.allowed += (match.allowed.empty() ? "" : ", ") + route.method;
    }
    const bool method_fits = route.method == method || (method == "HEAD" && route.method == "GET");
    if (!method_fits) continue;
    if (!match.route || is_more_exact(route.segments, routes_[*match.route].segments)) {
      match.route = i;
    }
  }
  if (!match.route) return match;
  const std::vector<std::string>& pattern = routes_[*match.route].segments;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_capture(pattern[i])) match.captures.push_back(segments[i]);
  }
  return match;
}

bool is_our_host(std::string_view host, std::string_view address,
                 const std::vector<std::string>& allowed) {
  const std::string name = host_name(host);
  if (name.empty()) return false;
  if (name == "localhost" || name == lower(address)) return true;
  if ((address == "0.0.0.0" || address == "::") && is_address(name)) return true;
  return std::any_of(allowed.begin(), allowed.end(),
                     [&](const std::string& one) { return lower(one) == name; });
}

bool is_same_origin(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return lower(origin.substr(scheme.size())) == lower(host);
  }
  return false;
}

std::optional<std::size_t> content_length(std::string_view text) {
  std::size_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return length;
}

std::string decode_query(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* const digits = text.data() + i + 1;
    const bool coded = text[i] == '%' && i + 2 < text.size() &&
                       std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2;
    if (coded) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace panshi
