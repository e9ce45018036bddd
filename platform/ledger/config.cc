// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/config.h"

#include <array>
#include <charconv>

#include "core/base/text.h"

namespace panshi::shop {

using namespace std::chrono_literals;

namespace {

template <class Read>
void need_object(Fields& in, const char* key, Read read) {
  const nlohmann::json* object = in.need_value(key);
  if (!object) return;
  Fields inner(*object, in.path_of(key), in.problems());
  read(inner);
  inner.done();
}

void read_architecture(Fields& in, Architecture& architecture) {
  static const std::array<std::string, 2> kWords = {"resilient", "legacy"};
  std::string word = kWords[0];
  in.may_word("architecture", word, kWords);
  architecture = word == kWords[1] ? Architecture::kLegacy : Architecture::kResilient;
}

}  // namespace

void read_audit_config(Fields& in, AuditConfig& config) {
  read_architecture(in, config.architecture);
  need_host_port(in, "customers", config.customers);
  std::string log;
  in.need("log", log);
  config.log = log;
  need_object(in, "database", [&](Fields& database) {
    need_host_ports(database, "shards", config.shards);
    database.may("user", config.database_user);
    database.may("password", config.database_password);
  });
  if (config.architecture == Architecture::kResilient) {
    need_redis(in, config.redis);
    need_object(in, "queue",
                [&](Fields& queue) { need_host_ports(queue, "servers", config.queue); });
  }
  need_host_port(in, "psp", config.psp);
  in.may("drain", config.drain, {0ms, 10min});
  in.may("settle", config.settle, {0ms, 10min});
  in.may("read_timeout", config.read_timeout, {10ms, 10min});
}

Result<std::int64_t> since_us_argument(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return 0;
  if (arguments[0] != "--since-us") {
    return fail(ErrorCode::kInvalid, cat("unknown argument `", arguments[0], "`"));
  }
  const std::string text = arguments.size() == 2 ? arguments[1] : "";
  std::int64_t since_us = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), since_us);
  if (error != std::errc() || end != text.data() + text.size() || since_us < 0) {
    return fail(ErrorCode::kInvalid,
                "--since-us wants one number: microseconds since 1970-01-01 UTC");
  }
  return since_us;
}

}  // namespace panshi::shop
