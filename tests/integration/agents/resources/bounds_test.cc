// SPDX-License-Identifier: Apache-2.0
// The promise under test: a reserve holds against the smallest bound there is, be it the machine's,
// a control group's of either version, or a file system's that is in memory.
#include "agents/host/bounds.h"

#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "agents/faults/fault_book.h"
#include "core/io/files.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr Room kMachine = {.total = 64LL << 30, .available = 32LL << 30};

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

TEST_CASE(
    "of the groups above a process the tightest counts, and what the kernel can drop is free") {
  TemporaryFolder mount;
  write(mount / "slice/memory.max", "4294967296\n");
  write(mount / "slice/memory.high", "max\n");
  write(mount / "slice/memory.current", "4000000000\n");
  write(mount / "slice/memory.stat", "anon 1\ninactive_file 1000000000\nfile 5\n");
  write(mount / "slice/service/memory.max", "max\n");
  write(mount / "slice/service/memory.current", "100\n");
  const Room room = memory_of_group(mount.path(), mount / "slice/service", kMachine);
  CHECK(room.total == 4'294'967'296);
  CHECK(room.available == 1'294'967'296);
  write(mount / "slice/service/memory.high", "1000\n");
  CHECK(memory_of_group(mount.path(), mount / "slice/service", kMachine).available == 900);
}

TEST_CASE("a group of version 1 bounds as well, but not by the number that means none") {
  TemporaryFolder mount;
  write(mount / "box/memory.limit_in_bytes", "500000000\n");
  write(mount / "box/memory.usage_in_bytes", "450000000\n");
  write(mount / "box/memory.stat", "cache 9\ntotal_inactive_file 50000000\n");
  CHECK(memory_of_group(mount.path(), mount / "box", kMachine).available == 100'000'000);
  write(mount / "box/memory.limit_in_bytes", "9223372036854771712\n");
  CHECK(memory_of_group(mount.path(), mount / "box", kMachine).available == kMachine.available);
}

TEST_CASE("processes are bound by the tightest group") {
  TemporaryFolder mount;
  write(mount / "a/pids.max", "100\n");
  write(mount / "a/pids.current", "60\n");
  write(mount / "a/b/pids.max", "max\n");
  write(mount / "a/b/pids.current", "10\n");
  CHECK(processes_of_group(mount.path(), mount / "a/b", 1'000) == 40);
  CHECK(processes_of_group(mount.path(), mount / "a/b", 30) == 30);
}

// A group of this machine's own with that limit, and what a process in it finds; -1: it cannot be.
std::int64_t available_in(const fs::path& group, const char* limit_file, std::int64_t limit) {
  std::error_code error;
  fs::create_directory(group, error);
  if (error) return -1;
  std::ofstream(group / limit_file) << limit;
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::ofstream(group / "cgroup.procs") << ::getpid() << std::flush;
    const std::int64_t found = memory_room().available;
    ::_exit(::write(pipe[1], &found, sizeof found) == sizeof found ? 0 : 1);
  }
  std::int64_t found = -1;
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  REQUIRE(::read(pipe[0], &found, sizeof found) == sizeof found);
  ::close(pipe[0]);
  ::close(pipe[1]);
  ::rmdir(group.c_str());
  return found;
}

TEST_CASE("a process in a real control group has no more memory than the group") {
  const std::string name = cat("panshi-bounds-test-", ::getpid());
  constexpr std::int64_t kLimit = 200 << 20;
  bool tried = false;
  for (const auto& [mount, file] : {std::pair("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                                    std::pair("/sys/fs/cgroup", "memory.max")}) {
    if (!fs::exists(fs::path(mount) / "cgroup.procs")) continue;
    const std::int64_t found = available_in(fs::path(mount) / name, file, kLimit);
    if (found < 0) continue;
    tried = true;
    CHECK(found <= kLimit);
    CHECK(found > kLimit / 2);
  }
  if (!tried) skip_case("no control group with memory can be made here");
}

TEST_CASE("what would fill a file system in memory is held against the memory's reserve") {
  TemporaryFolder folder;
  fs::create_directories(folder / "data");
  if (::mount("panshi-test", (folder / "data").c_str(), "tmpfs", 0, "size=64g") != 0) {
    skip_case("nothing can be mounted here");
  }
  RealHost host;
  const Room memory = memory_room();
  host.set_scope({.node = "here",
                  .state = folder / "state",
                  .directories = {folder / "data"},
                  .memory_reserve = memory.available - (8 << 20),
                  .disk_reserve = 0});
  const auto book = std::move(*FaultBook::open({.directory = folder / "faults"}, host));
  const auto put = [&](const std::string& id, const char* size) {
    return book->put({.id = id,
                      .epoch = 1,
                      .kind = "resource.disk-load",
                      .target = {{"node", "here"}},
                      .params = {{"directory", (folder / "data").string()}, {"size", size}},
                      .lease = 60s,
                      .drill = {}});
  };
  const auto refused = put("f1", "16GiB");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message, Catch::Contains("is in memory"));
  CHECK(::umount2((folder / "data").c_str(), MNT_DETACH) == 0);
}

}  // namespace
}  // namespace panshi::agent
