// SPDX-License-Identifier: Apache-2.0
// Witnesses: reads what the customers' log, the database, Redis, the provider and the queue say.
//
// Only reads. Never fails as a whole: a source that cannot be read is left out of the evidence and
// named in its doubts. One thread at a time.
#pragma once

#include "core/io/mariadb.h"
#include "platform/ledger/config.h"
#include "platform/ledger/evidence.h"

namespace panshi::shop {

class Witnesses {
 public:
  explicit Witnesses(const AuditConfig& config) : config_(config) {}

  // The whole log; call it when the customers are at rest.
  void hear_customers(Evidence& evidence) const;
  // Everything else as it is now, in place of what the evidence held.
  void read_books(Evidence& evidence) const;
  // Adds what costs more to read: worth it once the books are in order, or never will be.
  void read_details(Evidence& evidence) const;
  // Adds which orders the stream's messages name: to tell what was lost from what is late.
  void read_queue_messages(Evidence& evidence) const;

 private:
  Status read_databases(Evidence& evidence) const;
  Result<MariaDb> connect(const HostPort& server) const;
  Status read_charges(Evidence& evidence) const;
  Status read_stock(Evidence& evidence) const;
  Status read_queue(Evidence& evidence) const;
  Status read_key_copies(Evidence& evidence) const;
  Status read_holds(Evidence& evidence) const;
  Status read_coupons(Evidence& evidence) const;
  void read_replicas(Evidence& evidence) const;

  const AuditConfig& config_;
};

}  // namespace panshi::shop
