// SPDX-License-Identifier: Apache-2.0
// Follower: takes down every event of the shop once, in an inbox of its own. What is then done with
// the rows is the role's.
#pragma once

#include <list>
#include <string>

#include "platform/storefront/services/config.h"
#include "platform/storefront/services/consumer.h"
#include "platform/storefront/stores/inbox.h"

namespace panshi::shop {

class Follower {
 public:
  // `role` names the consumers: "auditlog-placed", "auditlog-paid", "auditlog-delivered".
  Follower(const std::string& role, const FollowerConfig& config, Inbox inbox);

  Inbox& inbox() { return inbox_; }
  Health health() const;
  nlohmann::json status();
  // ?user=U&after=N&limit=N -> {"rows":[{"seq","subject","order","user","product",...}]}
  HttpResponse list(const HttpRequest& request);

 private:
  Handled take(const char* subject, const Order& order);

  Inbox inbox_;
  ShopQueue queue_;
  std::list<std::string> names_;   // the consumers keep pointers to them
  std::list<Consumer> consumers_;  // last: they use the members above
};

}  // namespace panshi::shop
