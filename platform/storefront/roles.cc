// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/roles.h"

#include "platform/customers/customers.h"
#include "platform/ledger/ledger.h"
#include "platform/storefront/legacy/legacy.h"
#include "platform/storefront/services/services.h"

namespace panshi::shop {

std::span<const Role> roles() {
  static constexpr Role kRoles[] = {
      {"setup", "Makes the database, the card keys and the stock; runs once and ends.", "",
       &run_setup},
      {"redis-cluster-form", "Makes a cluster of the Redis servers; runs once and ends.", "",
       &run_redis_cluster_form},
      {"gateway", "The public API and pages; deadlines, a circuit breaker for each upstream.", "",
       &run_gateway},
      {"orders", "Takes orders: reserves soft stock, writes the order, answers for it.", "",
       &run_orders},
      {"payments", "Takes payments: extends the hold, charges, publishes the event.", "",
       &run_payments},
      {"delivery", "Follows paid orders: asks for their card key and marks them delivered.", "",
       &run_delivery},
      {"orders-worker", "Keeps the books of orders after the events; publishes the outboxes.", "",
       &run_orders_worker},
      {"inventory", "Follows paid orders: what was held for them is their own.", "",
       &run_inventory},
      {"notifier", "Tells customers what became of their order.", "", &run_notifier},
      {"auditlog", "Writes down what happened to every order.", "", &run_auditlog},
      {"replay", "Puts what a consumer gave up before it again; runs once and ends.",
       "list | all | CONSUMER", &run_replay},
      {"import-keys", "Puts a file of card keys on sale; runs once and ends.", "PRODUCT POOLFILE",
       &run_import_keys},
      {"traces", "Prints where the time of slow transactions went; runs once and ends.", "[TRACE]",
       &run_traces},
      {"cardkeys", "Gives each paid order its card key from the pool.", "", &run_cardkeys},
      {"extras", "Search, hot list, recommendations, reviews and chat: what is not core.", "",
       &run_extras},
      {"legacy", "The shop as it was before: everything in one process, at once.", "", &run_legacy},
      {"legacy-setup", "Makes the old shop's database; runs once and ends.", "", &run_legacy_setup},
      {"psp", "The payment provider, with a ledger of its own.", "", &run_psp},
      {"customers", "The load: customers who arrive on a schedule, and their log.",
       kCustomersOptions, &run_customers},
      {"audit", "The ledger audit: one run, its verdict as JSON on stdout.", kAuditOptions,
       &run_audit},
  };
  return kRoles;
}

const Role* find_role(std::string_view name) {
  for (const Role& role : roles()) {
    if (name == role.name) return &role;
  }
  return nullptr;
}

}  // namespace panshi::shop
