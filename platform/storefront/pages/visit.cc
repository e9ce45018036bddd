// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/visit.h"

#include <algorithm>

#include "platform/storefront/base/serve.h"

namespace panshi::shop {

std::string Visit::query(const std::string& name) const { return query_text(request, name); }

Frame Visit::frame(std::string path) const {
  return {.language = visitor.language, .path = std::move(path), .token = visitor.token};
}

std::string Visit::title_of(const GoodsList* goods, const std::string& product) const {
  const Goods* known = find_goods(goods, product);
  return known ? known->title : product;
}

HttpRequest Visit::asks(std::string method, std::string path) const {
  HttpRequest asked;
  asked.method = std::move(method);
  asked.path = std::move(path);
  asked.headers = request.headers;
  asked.remote_address = request.remote_address;
  asked.arrived = request.arrived;
  return asked;
}

Page redirect_to(std::string location) { return {.status = 303, .location = std::move(location)}; }

const Goods* find_goods(const GoodsList* goods, const std::string& product) {
  if (goods == nullptr) return nullptr;
  const auto found = std::find_if(goods->begin(), goods->end(),
                                  [&](const Goods& one) { return one.product == product; });
  return found == goods->end() ? nullptr : &*found;
}

}  // namespace panshi::shop
