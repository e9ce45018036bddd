// SPDX-License-Identifier: Apache-2.0
// run_service: the whole run function of a role that is one object with health() and status(), made
// from its configuration and nothing else. `add_routes` says what it answers beside the common
// routes.
#pragma once

#include <functional>

#include "platform/storefront/base/role.h"
#include "platform/storefront/base/serve.h"

namespace panshi::shop {

template <class Service, class Config>
int run_service(
    const RoleContext& context, void (*read_fields)(Fields&, Config&),
    const std::function<void(Service&, HttpServer&, const Config&)>& add_routes = nullptr) {
  if (!refuse_arguments(context)) return kExitUsage;
  const auto read = read_config<Config>(context, read_fields);
  if (!read.config) return read.exit_status;
  Service service(*read.config);
  HttpServer server(server_options(read.config->listen));
  if (add_routes) add_routes(service, server, *read.config);
  return serve_until_stopped(
      context.role, server, [&] { return service.health(); }, [&] { return service.status(); });
}

}  // namespace panshi::shop
