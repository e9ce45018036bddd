// SPDX-License-Identifier: Apache-2.0
// The promise under test: what has ended is in no group, and asking for it is no error.
#include "agents/supervisor/service_cgroups.h"

#include <catch2/catch.hpp>

#include "core/io/cgroups.h"
#include "tests/support/skip.h"

namespace panshi::agent {
namespace {

constexpr pid_t kNobody = 1 << 22;  // one more than the kernel ever gives

TEST_CASE("a process that has ended is in no control group") {
  CHECK(cgroup_of(kNobody).empty());
  const auto groups = ServiceCgroups::find("/nowhere");
  if (!groups) {
    return skip_part("no cgroup v2 hierarchy: " + groups.error().message);
  }
  CHECK(groups->processes_with(kNobody).empty());
}

}  // namespace
}  // namespace panshi::agent
