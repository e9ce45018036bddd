// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/legacy/config.h"

#include "core/io/secret.h"

namespace panshi::shop {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

void need_servers(Fields& in, LegacyServers& servers) {
  const nlohmann::json* object = in.need_value("database");
  if (!object) return;
  Fields database(*object, in.path_of("database"), in.problems());
  need_host_port(database, "primary", servers.primary);
  need_host_port(database, "replica", servers.replica);
  database.need("user", servers.user);
  may_secret(database, "password", servers.password);
  may_tell(database, servers.primary.host, !servers.password.empty(), servers.rules);
  database.may("timeout", servers.timeout, {milliseconds(10), minutes(10)});
  database.done();
}

}  // namespace

MariaDb::Options mariadb_options(const LegacyServers& servers, const HostPort& server) {
  return {.host = server.host,
          .port = server.port,
          .user = servers.user,
          .password = servers.password,
          .connect_timeout = std::min<Duration>(servers.timeout, seconds(1)),
          .statement_timeout = servers.timeout,
          .rules = servers.rules};
}

void read_legacy_config(Fields& in, LegacyConfig& config) {
  read_listen(in, config.listen);
  need_servers(in, config.database);
  need_host_port(in, "psp", config.psp);
  std::string mails;
  in.need("mails", mails);
  config.mails = mails;
  in.may("connections", config.connections, {1, 64});
  in.may("wait_max", config.wait_max, {milliseconds(10), minutes(10)});
  in.may("charge_timeout", config.charge_timeout, {milliseconds(10), minutes(10)});
}

void read_legacy_setup_config(Fields& in, LegacySetupConfig& config) {
  config.database.timeout = seconds(30);
  need_servers(in, config.database);
  in.may("stock_per_product", config.stock_per_product, {1, 1'000'000});
  in.may("within", config.within, {seconds(1), minutes(30)});
}

}  // namespace panshi::shop
