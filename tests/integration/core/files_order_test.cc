// SPDX-License-Identifier: Apache-2.0
// Promise: at whatever system call the power fails, the old file is there or the new one, whole:
// the bytes are on the disk before the name, and the name before we say so.
//
// This program has fsync, rename and unlink of its own, which note each call and pass it on.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "core/base/text.h"
#include "core/io/files.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

struct Recorder {
  bool on = false;
  std::vector<std::string> calls = {};
  std::string failing = {};  // the call that fails with EIO
} recorder;

bool note(const std::string& call) {
  if (!recorder.on) return true;
  recorder.calls.push_back(call);
  return call != recorder.failing;
}

// "file" for the temporary one, whose name is random; "folder"; or the name.
std::string kind_of(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return "folder";
  return path.filename().string().starts_with(".") ? "file" : path.filename().string();
}

int io_error() {
  errno = EIO;
  return -1;
}

}  // namespace
}  // namespace panshi

extern "C" int fsync(int fd) {
  const auto path = std::filesystem::read_symlink(panshi::cat("/proc/self/fd/", fd));
  if (!panshi::note("sync " + panshi::kind_of(path))) return panshi::io_error();
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

extern "C" int rename(const char* from, const char* to) noexcept {
  if (!panshi::note(panshi::cat("rename ", panshi::kind_of(from), " ", panshi::kind_of(to)))) {
    return panshi::io_error();
  }
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

extern "C" int unlink(const char* path) noexcept {
  if (!panshi::note("unlink " + panshi::kind_of(path))) return panshi::io_error();
  return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

namespace panshi {
namespace {

using Calls = std::vector<std::string>;

template <class Action>
Calls calls_of(const Action& action, const std::string& failing = "") {
  recorder = {.on = true, .calls = {}, .failing = failing};
  action();
  recorder.on = false;
  return recorder.calls;
}

TEST_CASE("a file is on the disk before it gets its name, and its name before we go on") {
  const TemporaryFolder folder;
  CHECK(calls_of([&] { REQUIRE(write_file_durably(folder / "f", "new")); }) ==
        Calls{"sync file", "rename file f", "sync folder"});
}

TEST_CASE("a write that fails at any call says so and never leaves half a file") {
  const TemporaryFolder folder;
  for (const std::string failing : {"sync file", "rename file f", "sync folder"}) {
    INFO(failing);
    REQUIRE(write_file_durably(folder / "f", "old"));
    calls_of([&] { CHECK_FALSE(write_file_durably(folder / "f", "new")); }, failing);
    // Renamed but perhaps not durable: the new one is there, and we were told to try again.
    CHECK(*read_file(folder / "f") == (failing == "sync folder" ? "new" : "old"));
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()),
                        std::filesystem::directory_iterator()) == 1);
  }
}

TEST_CASE("a removal is on the disk before we go on, also when it was gone already") {
  const TemporaryFolder folder;
  REQUIRE(write_file_durably(folder / "f", "x"));
  const auto remove = [&] { REQUIRE(remove_file_durably(folder / "f")); };
  CHECK(calls_of(remove) == Calls{"unlink f", "sync folder"});
  CHECK(calls_of(remove) == Calls{"unlink f", "sync folder"});
  calls_of([&] { CHECK_FALSE(remove_file_durably(folder / "f")); }, "sync folder");
}

TEST_CASE("a token is on the disk before anybody learns it") {
  const TemporaryFolder folder;
  CHECK(calls_of([&] { REQUIRE(load_or_make_token(folder / "t")); }) ==
        Calls{"sync file", "unlink file", "sync folder"});
}

}  // namespace
}  // namespace panshi
