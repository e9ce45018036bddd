// SPDX-License-Identifier: Apache-2.0
// Promise: what an account may not do is known before anything is touched, and nobody who may is
// refused.
#include "agents/faults/database/privileges.h"

#include <catch2/catch.hpp>

namespace panshi::agent {
namespace {

using Names = std::vector<std::string>;

const Names kWanted = {"BINLOG ADMIN", "CREATE USER", "PROCESS", "CONNECTION ADMIN", "SELECT"};

TEST_CASE("all privileges, everywhere, lack nothing") {
  CHECK(missing_privileges({"GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"},
                           kWanted)
            .empty());
}

TEST_CASE("what is missing is named, in the order of what is wanted") {
  CHECK(missing_privileges({"GRANT SELECT, PROCESS ON *.* TO `m`@`%` IDENTIFIED BY PASSWORD '*1'"},
                           kWanted) == Names{"BINLOG ADMIN", "CREATE USER", "CONNECTION ADMIN"});
  CHECK(missing_privileges({"GRANT USAGE ON *.* TO `m`@`%`"}, {"READ_ONLY ADMIN"}) ==
        Names{"READ_ONLY ADMIN"});
  CHECK(missing_privileges({}, {"PROCESS"}) == Names{"PROCESS"});
}

TEST_CASE("a privilege on one database is none of the server's, but reads of it") {
  const Names grants = {
      "GRANT USAGE ON *.* TO `m`@`%`", "GRANT SELECT, LOCK TABLES ON `shop`.* TO `m`@`%`",
      "GRANT ALL PRIVILEGES ON `other`.* TO `m`@`%`", "GRANT `a role` TO `m`@`%`"};
  CHECK(missing_privileges(grants, {"SELECT", "LOCK TABLES", "PROCESS"}) == Names{"PROCESS"});
}

TEST_CASE("reading the accounts is a privilege on mysql.*, not on any database") {
  const Names wanted = {"SELECT ON mysql.*"};
  CHECK(missing_privileges({"GRANT SELECT ON `shop`.* TO `m`@`%`"}, wanted) == wanted);
  CHECK(missing_privileges({"GRANT SELECT ON `mysql_old`.* TO `m`@`%`"}, wanted) == wanted);
  CHECK(missing_privileges({"GRANT SELECT ON `mysql`.* TO `m`@`%`"}, wanted).empty());
  CHECK(missing_privileges({"GRANT SELECT, PROCESS ON *.* TO `m`@`%`"}, wanted).empty());
  CHECK(missing_privileges({"GRANT ALL PRIVILEGES ON *.* TO `m`@`%`"}, wanted).empty());
}

TEST_CASE("SUPER stands for what the server takes it for, READ_ONLY ADMIN not") {
  const Names grants = {"GRANT SUPER ON *.* TO `m`@`%`"};
  CHECK(missing_privileges(grants, {"BINLOG ADMIN", "SLAVE MONITOR", "READ_ONLY ADMIN",
                                    "PROCESS"}) == Names{"READ_ONLY ADMIN", "PROCESS"});
}

TEST_CASE("columns in a grant do not hide what stands beside them") {
  const Names grants = {"GRANT SELECT (a, b), INSERT (c), PROCESS ON *.* TO `m`@`%`"};
  CHECK(missing_privileges(grants, {"PROCESS", "SELECT"}).empty());
}

TEST_CASE("every kind in a database says which privileges it needs") {
  for (const FaultKindSpec& kind : fault_kind_specs()) {
    if (!std::string_view(kind.name).starts_with("db.")) continue;
    INFO(kind.name);
    const Names privileges = privileges_in(kind.needs);
    REQUIRE_FALSE(privileges.empty());
    CHECK(privileges.front() == "BINLOG ADMIN");
  }
  CHECK(privileges_in("root, nft").empty());
}

}  // namespace
}  // namespace panshi::agent
