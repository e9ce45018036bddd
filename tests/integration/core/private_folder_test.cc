// SPDX-License-Identifier: Apache-2.0
// Promise: state is its owner's alone, and a folder that is not ours to close stays as it is.
#include "core/io/private_folder.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>

#include "core/io/process.h"
#include "core/io/run_as.h"
#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;

unsigned mode_of(const fs::path& path) {
  return static_cast<unsigned>(fs::status(path).permissions()) & 07777;
}

TEST_CASE("a state folder is made for its owner alone, whatever the umask") {
  const TemporaryFolder folder;
  const mode_t before = ::umask(0);
  const Status made = make_private_folder(folder.path() / "a" / "state");
  ::umask(before);
  REQUIRE(made);
  CHECK(mode_of(folder.path() / "a" / "state") == 0700);
}

TEST_CASE("our files are for us alone, and what we start keeps the umask that we had") {
  for (const bool as_user : {false, true}) {
    if (as_user && ::geteuid() != 0) continue;
    INFO(as_user);
    const TemporaryFolder folder;
    fs::permissions(folder.path(), fs::perms(0777));
    // In a process of its own: a program has one umask.
    const pid_t child = ::fork();
    if (child == 0) {
      ::close_range(3, ~0U, 0);
      ::umask(002);
      keep_new_files_private();
      std::ofstream(folder.path() / "ours") << "x";
      ProcessRunner runner;
      std::promise<void> done;
      ProcessSpec spec{.argv = {"/bin/touch", (folder.path() / "its").string()}};
      if (as_user) set_user(spec, find_user("nobody").value());
      runner.run(spec, std::chrono::seconds(10), [&](ScriptResult) { done.set_value(); });
      done.get_future().wait();
      std::ofstream(folder.path() / "after") << "x";
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(mode_of(folder.path() / "ours") == 0600);
    CHECK(mode_of(folder.path() / "its") == 0664);
    CHECK(mode_of(folder.path() / "after") == 0600);
  }
}

TEST_CASE("one that is empty or already ours is closed, one with other things or shared is not") {
  const TemporaryFolder folder;
  const auto make = [&](const char* name, mode_t mode, const char* file) {
    const fs::path path = folder.path() / name;
    fs::create_directory(path);
    if (file) std::ofstream(path / file) << "x";
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    REQUIRE(make_private_folder(path, "agent.lock"));
    return mode_of(path);
  };
  CHECK(make("empty", 0755, nullptr) == 0700);
  CHECK(make("ours", 0755, "agent.lock") == 0700);
  CHECK(make("others", 0755, "something") == 0755);
  const fs::path shared = folder.path() / "shared";
  fs::create_directory(shared);
  REQUIRE(::chmod(shared.c_str(), 01777) == 0);
  CHECK(make_private_folder(shared, "agent.lock").error().code == ErrorCode::kRefused);
  CHECK(mode_of(shared) == 01777);
}

TEST_CASE("no folder is closed through a link of another user") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  const TemporaryFolder folder;
  const fs::path victim = folder.path() / "victim";
  const fs::path theirs = folder.path() / "theirs";
  for (const fs::path& each : {victim, theirs}) {
    fs::create_directory(each);
    REQUIRE(::chmod(each.c_str(), 0755) == 0);
  }
  fs::create_symlink(victim, theirs / "state");
  REQUIRE(::chown(theirs.c_str(), 65'534, 65'534) == 0);
  REQUIRE(::lchown((theirs / "state").c_str(), 65'534, 65'534) == 0);
  for (const char* name : {"state", "state/deep", "new"}) {
    INFO(name);
    CHECK(make_private_folder(theirs / name).error().code == ErrorCode::kRefused);
  }
  CHECK(mode_of(victim) == 0755);
  CHECK(fs::is_empty(victim));
}

TEST_CASE("what cannot be made is said with its name") {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  const Status made = make_private_folder(folder.path() / "file" / "state");
  REQUIRE_FALSE(made);
  CHECK(made.error().message.find("file/state") != std::string::npos);
}

}  // namespace
}  // namespace panshi
