// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/config.h"

#include <array>
#include <charconv>

#include "core/base/text.h"
#include "core/io/secret.h"

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

// `replicas: [["a:1", "b:1"], …]`: a list for each shard.
void may_replicas(Fields& in, AuditConfig& config) {
  if (!in.may_value("replicas")) return;
  in.need_each("replicas", [&](const nlohmann::json& item, const std::string& path) {
    std::vector<HostPort>& of_shard = config.replicas.emplace_back();
    if (item.is_array() && item.empty()) return;  // this shard has none
    const nlohmann::json whole = {{"copies", item}};
    Fields copies(whole, path, in.problems());
    need_host_ports(copies, "copies", of_shard);
  });
  if (config.replicas.size() != config.shards.size()) {
    in.problem("replicas",
               cat("must have a list for each of the ", config.shards.size(), " shards"));
  }
}

Result<std::int64_t> since_us_of(const std::string& text) {
  std::int64_t since_us = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), since_us);
  if (error != std::errc() || end != text.data() + text.size() || since_us < 0) {
    return fail(ErrorCode::kInvalid,
                "--since-us wants one number: microseconds since 1970-01-01 UTC");
  }
  return since_us;
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
    may_replicas(database, config);
    database.may("user", config.database_user);
    may_secret(database, "password", config.database_password);
    const std::string first = config.shards.empty() ? "" : config.shards.front().host;
    may_tell(database, first, !config.database_password.empty(), config.database_rules);
  });
  if (config.architecture == Architecture::kResilient) {
    need_redis(in, config.redis);
    need_object(in, "queue",
                [&](Fields& queue) { need_host_ports(queue, "servers", config.queue); });
  }
  need_host_port(in, "psp", config.psp);
  may_host_port(in, "extras", config.extras);
  in.may("drain", config.drain, {0ms, 10min});
  in.may("settle", config.settle, {0ms, 10min});
  in.may("read_timeout", config.read_timeout, {10ms, 10min});
}

Result<AuditArguments> audit_arguments(const std::vector<std::string>& arguments) {
  AuditArguments read;
  bool has_since = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--exit-zero" && !read.exit_zero) {
      read.exit_zero = true;
    } else if (arguments[i] == "--since-us" && !has_since) {
      ASSIGN_OR_RETURN(read.since_us,
                       since_us_of(i + 1 < arguments.size() ? arguments[i + 1] : std::string()));
      has_since = true;
      ++i;
    } else {
      return fail(ErrorCode::kInvalid, cat("unknown argument `", arguments[i], "`"));
    }
  }
  return read;
}

}  // namespace panshi::shop
