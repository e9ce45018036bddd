// SPDX-License-Identifier: Apache-2.0
// The promise: a process of a lab is found by what it is, also when it wrote over its environment.
#include <catch2/catch.hpp>

#include "cli/lab/processes.h"
#include "tests/support/child.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"

namespace {

using panshi::cli::LabProcess;

TEST_CASE("a Redis server is found by where it works, and only by the lab whose folder it is") {
  const panshi::TemporaryFolder folder;
  const auto directory = folder / "nodes/data-1/redis-1";
  std::filesystem::create_directories(directory);
  panshi::Child redis({"redis-server", "--dir", directory.string(), "--bind", "127.0.0.1", "--port",
                       "0", "--unixsocket", (directory / "socket").string(), "--save", ""},
                      folder / "log");
  std::vector<LabProcess> found;
  CHECK(panshi::eventually([&] {
    found = panshi::cli::find_lab_processes(folder.path());
    return found.size() == 1 && std::filesystem::exists(directory / "socket");
  }));
  REQUIRE(found.size() == 1);
  CHECK(found[0].process.pid == redis.pid());
  CHECK(found[0].node == "data-1");
  CHECK(found[0].service == "redis-1");
  const panshi::TemporaryFolder other;
  CHECK(panshi::cli::find_lab_processes(other.path()).empty());
}

}  // namespace
