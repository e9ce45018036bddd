// SPDX-License-Identifier: Apache-2.0
// The pure part of HttpServer: which route a path takes, and whose Host and Origin are ours.
//
// For core/io/http_server.cc and its tests only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace panshi {

class HttpRoutes {
 public:
  struct Match {
    std::optional<std::size_t> route;   // as add() returned it; none: wrong path or method
    std::vector<std::string> captures;  // of that route
    std::string allowed;  // the methods of this path, "GET, POST"; empty: unknown path
  };

  // `any_segment`: a {…} matches whatever is not empty, and captures it percent-decoded.
  explicit HttpRoutes(bool any_segment = false) : any_segment_(any_segment) {}

  // Where several patterns match, a word beats a {…} at the first place that differs.
  std::size_t add(std::string method, std::string_view pattern);
  // `path` as it was sent: an id needs no percent sign, so else a path with one is unknown.
  Match find(std::string_view method, std::string_view path) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;  // "{…}" for a capture
  };
  std::vector<Route> routes_;
  bool any_segment_;
};

// "name", "name:80", "127.0.0.1", "[::1]:80": the name must be the address we listen on, localhost
// or one of `allowed`; on a wildcard address any address will do (only names can be rebound).
bool is_our_host(std::string_view host, std::string_view address,
                 const std::vector<std::string>& allowed);
// Pages of ours, that is of the same host and port, may call us; other pages may not.
bool is_same_origin(std::string_view origin, std::string_view host);

// The decimal number of a Content-Length; nothing else is one.
std::optional<std::size_t> content_length(std::string_view text);

// "a%20b+c" is "a b+c"; none where a % is not followed by two hex digits.
std::optional<std::string> decode_segment(std::string_view text);

// "a%20b+c" is "a b c"; what is not two hex digits stays.
std::string decode_query(std::string_view text);

}  // namespace panshi
