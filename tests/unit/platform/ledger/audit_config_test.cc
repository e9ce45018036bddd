// SPDX-License-Identifier: Apache-2.0
// The promise under test: an audit that cannot know what to read does not begin.
#include <catch2/catch.hpp>

#include "platform/ledger/config.h"

namespace panshi::shop {
namespace {

TEST_CASE("every source must be named, and every mistake is reported") {
  const nlohmann::json json = {{"customers", "127.0.0.1"}, {"databse", "127.0.0.1:3306"}};
  Problems problems;
  Fields in(json, "", problems);
  AuditConfig config;
  read_audit_config(in, config);
  in.done();
  const std::string message = problems.error().message;
  for (const char* key :
       {"customers must be", "log is missing", "database is missing", "redis is missing",
        "queue is missing", "psp is missing", "did you mean `database`"}) {
    INFO(key << " in " << message);
    CHECK(message.find(key) != std::string::npos);
  }
}

TEST_CASE("the old shop has no Redis and no queue, so an audit of it must not name them") {
  const nlohmann::json json = {{"architecture", "legacy"},
                               {"customers", "127.0.0.1:17770"},
                               {"log", "/tmp/log"},
                               {"database", {{"shards", {"127.0.0.1:17306"}}}},
                               {"psp", "127.0.0.1:17760"}};
  const auto mistakes = [](const nlohmann::json& file) {
    Problems problems;
    Fields in(file, "", problems);
    AuditConfig config;
    read_audit_config(in, config);
    in.done();
    return problems.empty() ? std::string() : problems.error().message;
  };
  CHECK(mistakes(json) == "");
  nlohmann::json with_queue = json;
  with_queue["queue"] = {{"servers", {"127.0.0.1:17422"}}};
  CHECK(mistakes(with_queue).find("queue") != std::string::npos);
}

TEST_CASE("the argument --since-us is one whole number, and --exit-zero stands beside it") {
  CHECK(audit_arguments({}).value().since_us == 0);
  CHECK_FALSE(audit_arguments({}).value().exit_zero);
  const auto both = audit_arguments({"--exit-zero", "--since-us", "1700000000000000"}).value();
  CHECK(both.since_us == 1'700'000'000'000'000);
  CHECK(both.exit_zero);
  CHECK_FALSE(audit_arguments({"--since-us"}));
  CHECK_FALSE(audit_arguments({"--since-us", "1.5"}));
  CHECK_FALSE(audit_arguments({"--since-us", "-1"}));
  CHECK_FALSE(audit_arguments({"--since-us", "1", "2"}));
  CHECK_FALSE(audit_arguments({"--since-us", "1", "--since-us", "2"}));
  CHECK_FALSE(audit_arguments({"--since", "1"}));
}

}  // namespace
}  // namespace panshi::shop
