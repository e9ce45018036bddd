// SPDX-License-Identifier: Apache-2.0
// The promise under test: whoever takes over from a process that was killed need not wait until the
// kernel has cleared it away.
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <thread>

#include "core/io/files.h"
#include "core/io/process.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

// Its first thread has ended, as that of a killed process; another one holds the lock until `end`.
[[noreturn]] void hold_as_a_zombie(const std::filesystem::path& path, int end) {
  static const auto lock = LockFile::acquire(path);
  if (!lock) ::_exit(1);
  std::thread([end] {
    char byte = 0;
    (void)!::read(end, &byte, 1);
    ::_exit(0);
  }).detach();
  ::syscall(SYS_exit, 0);  // this thread alone
  ::_exit(2);
}

TEST_CASE("a lock whose holder is dying is waited for") {
  const TemporaryFolder folder;
  int end[2];
  REQUIRE(::pipe(end) == 0);
  const pid_t holder = ::fork();
  if (holder == 0) hold_as_a_zombie(folder / "lock", end[0]);
  REQUIRE(eventually([&] { return process_state(holder) == 'Z'; }));
  auto taken = std::async(std::launch::async, [&] { return LockFile::acquire(folder / "lock"); });
  CHECK(taken.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout);
  REQUIRE(::write(end[1], "x", 1) == 1);
  CHECK(taken.get());
  ::waitpid(holder, nullptr, 0);
  ::close(end[0]);
  ::close(end[1]);
}

TEST_CASE("a lock is taken through no link, which somebody else could have put there") {
  const TemporaryFolder folder;
  std::ofstream(folder / "precious") << "precious";
  std::filesystem::create_symlink(folder / "precious", folder / "lock");
  CHECK_FALSE(LockFile::acquire(folder / "lock"));
  CHECK(read_file(folder / "precious").value() == "precious");
  std::filesystem::create_symlink(folder / "new", folder / "other");
  CHECK_FALSE(LockFile::acquire(folder / "other"));
  CHECK_FALSE(std::filesystem::exists(folder / "new"));
}

}  // namespace
}  // namespace panshi
