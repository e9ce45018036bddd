// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_rules.h"

#include <algorithm>
#include <charconv>

#include "core/base/ids.h"
#include "core/base/ip_address.h"
#include "core/base/text.h"

namespace panshi {
namespace {

bool is_capture(std::string_view segment) { return segment.starts_with('{'); }

// A decoded slash would be another path for those who decode first.
bool is_any(const std::string& segment) {
  const auto decoded = decode_segment(segment);
  return decoded && !decoded->empty() && decoded->find('/') == std::string::npos;
}

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
             bool any_segment) {
  return std::equal(pattern.begin(), pattern.end(), path.begin(), path.end(),
                    [any_segment](const std::string& wanted, const std::string& segment) {
                      if (!is_capture(wanted)) return wanted == segment;
                      return any_segment ? is_any(segment) : is_id(segment);
                    });
}

bool is_more_exact(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::lexicographical_compare(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const std::string& x, const std::string& y) { return !is_capture(x) && is_capture(y); });
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
    if (!matches(route.segments, segments, any_segment_)) continue;
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
    if (!is_capture(pattern[i])) continue;
    match.captures.push_back(any_segment_ ? *decode_segment(segments[i]) : segments[i]);
  }
  return match;
}

bool is_our_host(std::string_view host, std::string_view address,
                 const std::vector<std::string>& allowed) {
  const std::string name = host_name(host);
  if (name.empty()) return false;
  if (name == "localhost" || name == lower(address)) return true;
  if ((address == "0.0.0.0" || address == "::") && is_ip_address(name)) return true;
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

std::optional<std::string> decode_segment(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code = percent_code(text.substr(i));
    if (text[i] == '%' && !code) return std::nullopt;
    out += code.value_or(text[i]);
    if (code) i += 2;
  }
  return out;
}

std::string decode_query(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const auto code = percent_code(text.substr(i))) {
      out += *code;
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace panshi
