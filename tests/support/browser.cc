// SPDX-License-Identifier: Apache-2.0
#include "tests/support/browser.h"

#include <regex>
#include <stdexcept>

#include "core/base/text.h"
#include "tests/support/raw_http.h"

namespace panshi {
namespace {

std::string encoded(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.') {
      out += c;
    } else {
      out += cat('%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]);
    }
  }
  return out;
}

}  // namespace

Browser::Seen Browser::ask(const std::string& method, const std::string& path,
                           const std::string& body) {
  std::string jar;
  for (const auto& [name, value] : cookies) jar += cat(jar.empty() ? "" : "; ", name, "=", value);
  std::string request =
      cat(method, " ", path, " HTTP/1.1\r\nHost: ", address_, ":", port_, "\r\n", extra_);
  extra_.clear();
  if (!jar.empty()) request += cat("Cookie: ", jar, "\r\n");
  if (method == "POST") {
    request += cat(
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ", body.size(), "\r\n");
  }
  const std::string answer = raw_http(port_, cat(request, "\r\n", body), address_);
  const std::size_t end = answer.find("\r\n\r\n");
  Seen seen = {.status = raw_status(answer), .path = path, .headers = {}, .html = {}};
  if (end == std::string::npos) return seen;
  seen.html = answer.substr(end + 4);
  for (const std::string& line : split(answer.substr(0, end), '\n')) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    const std::string name = lower(line.substr(0, colon));
    std::string value = line.substr(colon + 2);
    if (value.ends_with('\r')) value.pop_back();
    seen.headers[name] = value;
    if (name == "set-cookie") {
      const std::size_t equals = value.find('=');
      cookies[value.substr(0, equals)] = value.substr(equals + 1, value.find(';') - equals - 1);
    }
  }
  return seen;
}

Browser::Seen Browser::follow(Seen seen) {
  for (int i = 0; i < 5 && seen.status == 303; ++i) seen = ask("GET", seen.headers["location"], "");
  return seen;
}

Browser::Seen Browser::get(const std::string& path) { return follow(ask("GET", path, "")); }

Browser::Seen Browser::post(const std::string& path, const Fields& fields) {
  std::string body;
  for (const auto& [name, value] : fields) {
    body += cat(body.empty() ? "" : "&", encoded(name), "=", encoded(value));
  }
  return follow(ask("POST", path, body));
}

Browser::Seen Browser::send(const Seen& page, const std::string& action, const Fields& typed) {
  const std::size_t from = page.html.find(cat("action=\"", action, "\" method=\"post\""));
  if (from == std::string::npos) throw std::runtime_error(cat("no form for ", action));
  const std::string form = page.html.substr(from, page.html.find("</form>", from) - from);
  Fields fields = typed;
  static const std::regex kHidden("<input type=\"hidden\" name=\"([^\"]*)\" value=\"([^\"]*)\">");
  for (std::sregex_iterator i(form.begin(), form.end(), kHidden), none; i != none; ++i) {
    fields.emplace((*i)[1], (*i)[2]);
  }
  return post(action, fields);
}

}  // namespace panshi
