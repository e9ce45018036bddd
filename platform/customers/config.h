// SPDX-License-Identifier: Apache-2.0
// What the configuration of the role `customers` may say (docs/reference/storefront.md).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "platform/customers/crowd.h"
#include "platform/storefront/base/serve.h"

namespace panshi::shop {

struct CustomersConfig {
  ListenConfig listen;
  std::string target;            // http://address:port of the gateway, as customers reach it
  bool binds_addresses = false;  // see CrowdThread::Options
  std::filesystem::path log;     // JSON lines, appended
  bool wait_for_shop = false;    // nobody comes before the gateway first answers
  Duration request_timeout = std::chrono::seconds(2);
  Crowd::Options crowd;  // without `run`
};

void read_customers_config(Fields& in, CustomersConfig& config);

std::vector<std::string> names_of(const std::vector<ProductShare>& products);

// `--rate 40 --seed 7 --traffic FILE`: what a command line says instead of the file. The FILE has
// the keys of POST /plan; what it does not say stays.
Status apply_customers_arguments(const std::vector<std::string>& arguments,
                                 CustomersConfig& config);

}  // namespace panshi::shop
