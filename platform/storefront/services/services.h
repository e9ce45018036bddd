// SPDX-License-Identifier: Apache-2.0
// The run functions of the shop's roles, for the table in platform/storefront/roles.cc.
#pragma once

#include "platform/storefront/base/role.h"

namespace panshi::shop {

int run_setup(const RoleContext& context);
int run_redis_cluster_form(const RoleContext& context);
int run_gateway(const RoleContext& context);
int run_orders(const RoleContext& context);
int run_payments(const RoleContext& context);
int run_delivery(const RoleContext& context);
int run_orders_worker(const RoleContext& context);
int run_inventory(const RoleContext& context);
int run_notifier(const RoleContext& context);
int run_auditlog(const RoleContext& context);
int run_import_keys(const RoleContext& context);
int run_traces(const RoleContext& context);
int run_replay(const RoleContext& context);
int run_cardkeys(const RoleContext& context);
int run_extras(const RoleContext& context);
int run_psp(const RoleContext& context);

}  // namespace panshi::shop
