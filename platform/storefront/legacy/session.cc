// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/legacy/session.h"

#include "core/base/text.h"

namespace panshi::shop {
namespace {

bool is_dead(const Error& error) {  // the connection, that is
  return error.code == ErrorCode::kTimeout || error.code == ErrorCode::kUnavailable;
}

}  // namespace

Result<MariaDb*> LegacySession::open(std::optional<MariaDb>& connection, const HostPort& server) {
  if (!connection) {
    ASSIGN_OR_RETURN(MariaDb fresh, MariaDb::connect(mariadb_options(config_->database, server)));
    connection.emplace(std::move(fresh));
  }
  return &*connection;
}

Result<MariaDb::Answer> LegacySession::run(std::optional<MariaDb>& connection,
                                           const HostPort& server, std::string_view sql,
                                           std::initializer_list<MariaDb::Value> values) {
  ASSIGN_OR_RETURN(MariaDb * database, open(connection, server));
  auto answer = database->run(sql, values);
  if (!answer && is_dead(answer.error())) connection.reset();
  return answer;
}

Result<MariaDb::Answer> LegacySession::read(std::string_view sql,
                                            std::initializer_list<MariaDb::Value> values) {
  return run(replica_, config_->database.replica, sql, values);
}

Result<MariaDb::Answer> LegacySession::write(std::string_view sql,
                                             std::initializer_list<MariaDb::Value> values) {
  return run(primary_, config_->database.primary, sql, values);
}

Status LegacySession::script(std::string_view sql) {
  ASSIGN_OR_RETURN(MariaDb * database, open(primary_, config_->database.primary));
  const Status done = database->script(sql);
  if (!done && is_dead(done.error())) primary_.reset();
  return done;
}

Status LegacySession::begin() {
  if (script("START TRANSACTION")) return {};
  return script("START TRANSACTION");  // the server had closed a connection that was idle
}

Status LegacySession::commit() { return script("COMMIT"); }

void LegacySession::roll_back() {
  if (primary_) (void)script("ROLLBACK");  // a broken connection rolled back by itself
}

Result<HttpReply> LegacySession::charge(const std::string& body) {
  HttpCall call;
  call.method = "POST";
  call.url = cat("http://", config_->psp.host, ":", config_->psp.port, "/charges");
  call.body = body;
  call.timeout = config_->charge_timeout;
  return bank_->send(call);
}

}  // namespace panshi::shop
