// SPDX-License-Identifier: Apache-2.0
// Follower: takes down every event of the shop once, in an inbox of its own: as many as came in a
// moment in one transaction. What is then done with the rows is the role's.
#pragma once

#include <string>
#include <vector>

#include "platform/storefront/services/config.h"
#include "platform/storefront/services/consumer.h"
#include "platform/storefront/services/queue_lag.h"
#include "platform/storefront/stores/inbox.h"

namespace panshi::shop {

class Follower {
 public:
  // `role` names the consumer.
  Follower(const std::string& role, const FollowerConfig& config, Inbox inbox);

  Inbox& inbox() { return inbox_; }
  Health health() const;
  nlohmann::json status();
  // ?user=U&after=N&limit=N -> {"rows":[{"seq","subject","order","user","product",...}]}
  HttpResponse list(const HttpRequest& request);

 private:
  std::vector<Handled> take(const std::vector<ShopEvent>& events);

  Inbox inbox_;
  ShopQueue queue_;
  const std::string role_;
  QueueLag lag_;
  Consumer consumer_;  // last: uses the members above
};

}  // namespace panshi::shop
