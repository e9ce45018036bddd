// SPDX-License-Identifier: Apache-2.0
// Promise: a connection's user is who holds its other end now, and nobody is taken for root.
#include "core/io/peer_user.h"

#include <catch2/catch.hpp>

namespace panshi {
namespace {

constexpr const char* kHead =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n";

TEST_CASE("the user of a connection is read from the kernel's list, in both families' spelling") {
  const TcpEnd own{"127.0.0.1", 8080};
  const TcpEnd peer{"127.0.0.2", 40'000};
  const std::string four = std::string(kHead) +
                           "   0: 0100007F:1F90 0200007F:9C40 01 00000000:00000000 00:00000000 "
                           "00000000     0        0 1 "
                           "1 0 20\n"
                           "   1: 0200007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 "
                           "00000000  1000        0 2 "
                           "1 0 20\n";
  CHECK(user_in_table(four, peer, own).value() == 1000);
  const std::string mapped =
      std::string(kHead) +
      "   0: 0000000000000000FFFF00000200007F:9C40 0000000000000000FFFF00000100007F:1F90 04 "
      "00000000:00000000 00:00000000 00000000   33        0 3 1 0 20\n";
  CHECK(user_in_table(mapped, peer, own).value() == 33);
  const std::string six =
      std::string(kHead) +
      "   0: 00000000000000000000000001000000:9C40 00000000000000000000000001000000:1F90 01 "
      "00000000:00000000 00:00000000 00000000   34        0 4 1 0 20\n";
  CHECK(user_in_table(six, {"::1", 40'000}, {"::1", 8080}).value() == 34);
}

TEST_CASE("an end that nobody holds any more, which the kernel lists as root's, is nobody's") {
  const std::string table = std::string(kHead) +
                            "   0: 0200007F:9C40 0100007F:1F90 05 00000000:00000000 03:00001770 "
                            "00000000     0        0 0 "
                            "3 0\n";
  const auto user = user_in_table(table, {"127.0.0.2", 40'000}, {"127.0.0.1", 8080});
  REQUIRE_FALSE(user);
  CHECK(user.error().code == ErrorCode::kNotFound);
  for (const char* torn : {"", "x", "   0: 0200007F:9C40 0100007F:1F90 01"}) {
    CHECK_FALSE(user_in_table(torn, {"127.0.0.2", 40'000}, {"127.0.0.1", 8080}));
  }
  CHECK_FALSE(user_in_table(table, {"no address", 1}, {"127.0.0.1", 8080}));
}

}  // namespace
}  // namespace panshi
