// SPDX-License-Identifier: Apache-2.0
// Visit: one request of a browser, read; and the page that answers it.
#pragma once

#include <string>
#include <vector>

#include "core/io/http_server.h"
#include "platform/storefront/pages/forms.h"
#include "platform/storefront/pages/views.h"
#include "platform/storefront/pages/visitor.h"

namespace panshi::shop {

struct Visit {
  const HttpRequest& request;
  Visitor visitor;
  Form form = {};                         // of a POST, checked to come from one of our pages
  std::string fresh_key;                  // an idempotency key that nobody had before
  std::vector<std::string> cookies = {};  // more of them, for the answer: values of Set-Cookie

  std::string query(const std::string& name) const;  // "" when absent
  Frame frame(std::string path) const;
  std::string title_of(const GoodsList* goods, const std::string& product) const;
  // What the visitor's browser asks of a role of the shop.
  HttpRequest asks(std::string method, std::string path) const;
};

struct Page {
  int status = 200;
  std::string html = {};
  std::string location = {};  // of a redirect (status 303)
  bool full = false;          // the browser may keep it and show it while we are away
};

Page redirect_to(std::string location);
const Goods* find_goods(const GoodsList* goods, const std::string& product);  // null: not there

}  // namespace panshi::shop
