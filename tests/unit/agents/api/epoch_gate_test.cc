// SPDX-License-Identifier: Apache-2.0
// Promise: no controller acts that was replaced, and no mistaken number locks every other one out.
#include "agents/api/epoch_gate.h"

#include <catch2/catch.hpp>

#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

TEST_CASE("an epoch that is over is refused, also after a restart") {
  const TemporaryFolder folder;
  const auto file = folder / "epoch";
  CHECK(EpochGate::open(file).value()->admit(7));
  const auto gate = EpochGate::open(file).value();
  CHECK(gate->admit(6).error().code == ErrorCode::kConflict);
  CHECK(gate->admit(7));
  CHECK(gate->admit(8));
  CHECK(gate->highest() == 8);
}

TEST_CASE("a second controller is refused, unless it takes over, also after a restart") {
  const TemporaryFolder folder;
  const auto file = folder / "epoch";
  CHECK(EpochGate::open(file).value()->admit(7, {"one"}));
  const auto gate = EpochGate::open(file).value();
  CHECK(gate->admit(7, {"one"}));
  CHECK(gate->admit(7));  // somebody with the token and no name
  CHECK(gate->admit(7, {"two"}).error().code == ErrorCode::kConflict);
  CHECK(gate->admit(9, {"two"}).error().code == ErrorCode::kConflict);
  CHECK(gate->admit(7, {.controller = "two", .takes_over = true}).error().code ==
        ErrorCode::kConflict);
  CHECK(gate->highest() == 7);
  CHECK(gate->admit(8, {.controller = "two", .takes_over = true}));
  CHECK(gate->admit(8, {"two"}));  // after its next start
  CHECK(gate->admit(9, {"one"}).error().code == ErrorCode::kConflict);
}

TEST_CASE("of a controller and a copy of its state the second is refused, until it is restarted") {
  const TemporaryFolder folder;
  const auto file = folder / "epoch";
  CHECK(EpochGate::open(file).value()->admit(7, {.controller = "one", .start = "a"}));
  const auto gate = EpochGate::open(file).value();
  CHECK(gate->admit(7, {.controller = "one", .start = "a"}));
  const auto copy = gate->admit(7, {.controller = "one", .start = "b"});
  REQUIRE_FALSE(copy);
  CHECK(copy.error().code == ErrorCode::kConflict);
  CHECK_THAT(copy.error().message, Catch::Contains("a copy of this one's state"));
  CHECK(gate->admit(8, {.controller = "one", .start = "b"}));
  CHECK(gate->admit(7, {.controller = "one", .start = "a"}).error().code == ErrorCode::kConflict);
}

TEST_CASE("a new agent takes the epoch of whoever comes first, be it after a jump") {
  const TemporaryFolder folder;
  const auto gate = EpochGate::open(folder / "epoch").value();
  CHECK(gate->admit(INT64_MAX).error().code == ErrorCode::kInvalid);
  CHECK(gate->admit(1'000'004, {.controller = "one"}));
  CHECK(gate->admit(1'000'005, {.controller = "one"}));
}

TEST_CASE("an epoch far above the highest is refused and not remembered") {
  const TemporaryFolder folder;
  const auto gate = EpochGate::open(folder / "epoch").value();
  CHECK(gate->admit(3));
  for (const std::uint64_t far : {std::uint64_t{1'000'004}, std::uint64_t{INT64_MAX}}) {
    CHECK(gate->admit(far).error().code == ErrorCode::kInvalid);
  }
  CHECK(gate->highest() == 3);
  CHECK(gate->admit(4));
}

}  // namespace
}  // namespace panshi::agent
