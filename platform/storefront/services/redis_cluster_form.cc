// SPDX-License-Identifier: Apache-2.0
// redis-cluster-form: makes a cluster of the listed Redis servers; runs once and ends. Waits for
// them. Running it again repairs what is missing and never touches a cluster that is formed.
#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/services.h"

namespace panshi::shop {

int run_redis_cluster_form(const RoleContext& context) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<RedisFormConfig>(context, read_redis_form_config);
  if (!read.config) return read.exit_status;
  const auto& [members, replicas, within] = *read.config;
  const MonoTime until = SystemClock().mono() + within;
  if (auto formed = form_redis_cluster(members, static_cast<int>(replicas), until); !formed) {
    log_error(formed.error().message);
    return kExitFailed;
  }
  log_info(cat("redis cluster of ", members.size(), " nodes is formed"));
  return kExitOk;
}

}  // namespace panshi::shop
