// SPDX-License-Identifier: Apache-2.0
// ShopBackend: what the pages ask of the gateway that serves them. Any thread.
#pragma once

#include <string>

#include "core/io/http_server.h"

namespace panshi::shop {

class ShopBackend {
 public:
  virtual ~ShopBackend() = default;
  // As the public API answers. 429 and 503: nothing happened; 504: not known.
  virtual HttpResponse orders(const HttpRequest& request) = 0;
  virtual HttpResponse payments(const HttpRequest& request) = 0;
  // What is not core: `level` as in the degradation plan, 2 or 3. 503 also when it is switched off
  // or not there. Answers soon, whatever happens.
  virtual HttpResponse extras(const HttpRequest& request, int level) = 0;
  // As X-Degradation-Level says it: "full", "no_extras" or "core_only".
  virtual std::string degradation() const = 0;
  // For the signatures of visitors' cookies; the same at each edge of one shop.
  virtual const std::string& visitor_key() const = 0;
};

}  // namespace panshi::shop
