// SPDX-License-Identifier: Apache-2.0
// auditlog: writes down what happened to every order, once for each event, for those who must be
// able to look it up later. GET /rows.
#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/services/follower.h"
#include "platform/storefront/services/services.h"

namespace panshi::shop {

int run_auditlog(const RoleContext& context) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<FollowerConfig>(context, read_follower_config);
  if (!read.config) return read.exit_status;
  auto inbox = Inbox::open(read.config->inbox);
  if (!inbox) {
    log_error(cat("auditlog: ", inbox.error().message));
    return kExitFailed;
  }
  Follower follower("auditlog", *read.config, *std::move(inbox));
  HttpServer server(server_options(read.config->listen));
  server.route("GET", "/rows", [&](const HttpRequest& request) { return follower.list(request); });
  return serve_until_stopped(
      context.role, server, [&] { return follower.health(); }, [&] { return follower.status(); });
}

}  // namespace panshi::shop
