// SPDX-License-Identifier: Apache-2.0
// Browser: a customer without script: follows redirects, keeps cookies, sends the forms he sees.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace panshi {

class Browser {
 public:
  using Fields = std::map<std::string, std::string>;
  struct Seen {
    int status = 0;
    std::string path;                            // after redirects
    std::map<std::string, std::string> headers;  // names in lower case
    std::string html;
    bool says(const std::string& text) const { return html.find(text) != std::string::npos; }
  };

  Browser(std::string address, std::uint16_t port) : address_(std::move(address)), port_(port) {}

  Seen get(const std::string& path);
  // Sends the form of `page` that goes to `action`, its hidden fields and `typed`.
  Seen send(const Seen& page, const std::string& action, const Fields& typed = {});
  Seen post(const std::string& path, const Fields& fields);
  // Headers of the next request only, as "Name: value\r\n".
  void add_header(std::string line) { extra_ += line; }

  std::map<std::string, std::string> cookies;

 private:
  Seen ask(const std::string& method, const std::string& path, const std::string& body);
  Seen follow(Seen seen);

  std::string address_;
  std::uint16_t port_;
  std::string extra_;
};

}  // namespace panshi
