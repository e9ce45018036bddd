// SPDX-License-Identifier: Apache-2.0
// The promise: a process of a lab is found by what it is, also when it wrote over its environment.
#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/lab/processes.h"
#include "core/base/text.h"
#include "core/io/files.h"
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

TEST_CASE("a service whose environment cannot be read is found by what its agent wrote down") {
  const panshi::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "nodes/data-1/services");
  const panshi::Child server({"sleep", "1000"}, folder / "log");
  const auto name = panshi::name_process(server.pid());
  REQUIRE(name);
  const auto boot = panshi::trimmed(*panshi::read_file("/proc/sys/kernel/random/boot_id"));
  const auto write = [&](std::uint64_t ticks, const std::string& when) {
    const nlohmann::json record = {{"pid", name->pid}, {"start_ticks", ticks}, {"boot_id", when}};
    std::ofstream(folder / "nodes/data-1/services/db.json") << record.dump();
  };
  write(name->start_ticks, boot);
  const auto found = panshi::cli::find_lab_processes(folder.path());
  REQUIRE(found.size() == 1);
  CHECK(found[0].process == *name);
  CHECK(found[0].node == "data-1");
  CHECK(found[0].service == "db");
  // Another process by now, or of before the last boot.
  write(name->start_ticks + 1, boot);
  CHECK(panshi::cli::find_lab_processes(folder.path()).empty());
  write(name->start_ticks, boot);
  std::ofstream(folder / "nodes/data-1/services/db.unit") << "systemd's";
  CHECK(panshi::cli::find_lab_processes(folder.path()).empty());
  std::filesystem::remove(folder / "nodes/data-1/services/db.unit");
  write(name->start_ticks, "another");
  CHECK(panshi::cli::find_lab_processes(folder.path()).empty());
}

}  // namespace
