// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_answer.h"

#include <boost/beast/http/status.hpp>

#include "core/base/text.h"

namespace panshi {

std::string_view http_reason(int status) {
  namespace http = boost::beast::http;
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  return {reason.data(), reason.size()};
}

std::string http_answer(const HttpResponse& response, bool head_only, bool keep_alive) {
  const bool bodiless = http_is_bodiless(response.status);
  std::string out = cat("HTTP/1.1 ", response.status, " ", http_reason(response.status), "\r\n");
  out.reserve(out.size() + 256 + response.body.size());
  if (!bodiless) {
    out += cat("Content-Type: ", response.content_type,
               "\r\nContent-Length: ", response.body.size(), "\r\n");
  }
  out += "X-Content-Type-Options: nosniff\r\n";
  if (!response.headers.contains("Cache-Control")) out += "Cache-Control: no-store\r\n";
  for (const auto& [name, value] : response.headers) out += cat(name, ": ", value, "\r\n");
  for (const std::string& cookie : response.cookies) out += cat("Set-Cookie: ", cookie, "\r\n");
  out += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  if (!bodiless && !head_only) out += response.body;
  return out;
}

}  // namespace panshi
