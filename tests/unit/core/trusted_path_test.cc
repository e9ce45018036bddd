// SPDX-License-Identifier: Apache-2.0
// The promise under test: what somebody else could change is not taken orders from, and it is said
// what is open to whom and how to close it.
#include "core/io/trusted_path.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <fstream>

#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kSomebody = 12'345;

struct Scripts {
  Scripts() {
    fs::create_directories(folder / "node/scripts");
    std::ofstream(file()) << "#!/bin/sh\n";
    for (const auto& each : {folder / "node", folder / "node/scripts", file()}) {
      REQUIRE(::chmod(each.c_str(), 0755) == 0);
    }
  }
  fs::path file() const { return folder / "node/scripts/repair"; }
  std::string why() const {
    const Status fine = check_trusted(file());
    return fine ? "" : fine.error().message;
  }
  TemporaryFolder folder;  // below /tmp, which everybody may write to and is sticky
};

TEST_CASE("a file and folders that only their owner may change are trusted") {
  const Scripts scripts;
  CHECK(scripts.why() == "");
  CHECK(check_trusted_folder(scripts.folder / "node/scripts"));
  CHECK(check_trusted(scripts.folder / "node/none").error().code == ErrorCode::kNotFound);
}

TEST_CASE("what everybody may write to is not trusted, wherever on the way it is") {
  const Scripts scripts;
  for (const char* open : {"node", "node/scripts", "node/scripts/repair"}) {
    INFO(open);
    const fs::path path = scripts.folder / open;
    REQUIRE(::chmod(path.c_str(), 0757) == 0);
    CHECK(check_trusted(scripts.file()).error().code == ErrorCode::kRefused);
    CHECK_THAT(scripts.why(), Catch::StartsWith(path.string() + " may be written by everybody") &&
                                  Catch::EndsWith("`chmod o-w " + path.string() + "`"));
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
  }
  CHECK(scripts.why() == "");
}

TEST_CASE("a folder with the sticky bit may be on the way, and is not trusted itself") {
  const Scripts scripts;
  const fs::path folder = scripts.folder / "node";
  REQUIRE(::chmod(folder.c_str(), 01777) == 0);
  CHECK(scripts.why() == "");
  CHECK_FALSE(check_trusted(folder));
}

TEST_CASE("of a command everything that is executed is trusted, and nothing else asked for") {
  const Scripts scripts;
  const fs::path node = scripts.folder / "node";
  const auto put = [&](const char* name, const std::string& text, mode_t mode) {
    std::ofstream(node / name) << text;
    REQUIRE(::chmod((node / name).c_str(), mode) == 0);
    return (node / name).string();
  };
  const std::string data = put("data", "some", 0666);
  const std::string script = put("open.py", "pass\n", 0666);
  const std::string tool = put("tool", "#!/bin/sh\n", 0777);
  const std::string shell = put("shell", "#!/bin/sh\n", 0777);
  const std::string by_shell = put("by_shell", "#! " + shell + " -e\n", 0755);
  const auto refused = [](const std::vector<std::string>& command) {
    const Status fine = check_trusted_command(command);
    return fine ? std::string() : fine.error().message.substr(0, fine.error().message.find(' '));
  };
  CHECK(refused({"/bin/cat", data}) == "");
  CHECK(refused({"/bin/sh", "-c", "true"}) == "");
  CHECK(refused({scripts.file().string(), data}) == "");
  CHECK(refused({"cat", data}) == "");
  CHECK(refused({}) == "");
  CHECK(refused({"/nowhere/at/all"}) == "");
  CHECK(refused({tool}) == tool);
  CHECK(refused({"/usr/bin/env", "A=1", tool}) == tool);
  CHECK(refused({"/bin/sh", "-e", script, data}) == script);
  CHECK(refused({"sh", script}) == script);
  CHECK(refused({"/usr/bin/python3", "-E", script}) == script);
  CHECK(refused({"/bin/sh", scripts.file().string(), data}) == "");
  CHECK(refused({by_shell}) == shell);
}

TEST_CASE("a file in a folder of scripts that is open to others is found") {
  const Scripts scripts;
  std::ofstream(scripts.folder / "node/scripts/other") << "#!/bin/sh\n";
  REQUIRE(::chmod((scripts.folder / "node/scripts/other").c_str(), 0777) == 0);
  const Status fine = check_trusted_folder(scripts.folder / "node/scripts");
  REQUIRE_FALSE(fine);
  CHECK_THAT(fine.error().message, Catch::Contains("scripts/other"));
}

TEST_CASE("a link is followed, and where it leads is looked at on the whole way") {
  const Scripts scripts;
  fs::create_directories(scripts.folder / "open");
  std::ofstream(scripts.folder / "open/repair") << "#!/bin/sh\n";
  fs::remove(scripts.file());
  fs::create_symlink("../../open/repair", scripts.file());
  CHECK(scripts.why() == "");
  REQUIRE(::chmod((scripts.folder / "open").c_str(), 0777) == 0);
  CHECK_THAT(scripts.why(), Catch::StartsWith((scripts.folder / "open").string()));
  fs::remove(scripts.file());
  fs::create_symlink(scripts.file(), scripts.file());
  CHECK_THAT(scripts.why(), Catch::Contains("leads nowhere"));
}

TEST_CASE("a way up from where a link leads to is the one that the kernel takes") {
  const Scripts scripts;
  fs::create_directories(scripts.folder / "open/inner");
  std::ofstream(scripts.folder / "open/repair") << "#!/bin/sh\n";
  fs::create_directory_symlink(scripts.folder / "open/inner", scripts.folder / "node/current");
  const fs::path path = scripts.folder / "node/current/../repair";  // of "open", not of "node"
  CHECK(check_trusted(path));
  REQUIRE(::chmod((scripts.folder / "open/repair").c_str(), 0666) == 0);
  CHECK_FALSE(check_trusted(path));
}

TEST_CASE("an access control list that lets somebody write is seen, whatever the mode says") {
  const Scripts scripts;
  struct Entry {
    std::uint16_t tag, rights;
    std::uint32_t id;
  };
  struct {
    std::uint32_t version = 2;
    Entry entries[5] = {{0x01, 7, ~0U},  // the owner
                        {0x02, 7, kSomebody},
                        {0x04, 5, ~0U},  // the group
                        {0x10, 7, ~0U},  // at most
                        {0x20, 5, ~0U}};
  } list;
  if (::setxattr(scripts.file().c_str(), "system.posix_acl_access", &list, sizeof list, 0) != 0) {
    skip_case("this file system has no access control lists");
  }
  CHECK_THAT(scripts.why(), Catch::Contains("access control list") &&
                                Catch::EndsWith("`setfacl -b " + scripts.file().string() + "`"));
}

TEST_CASE("what belongs to somebody else is not trusted, but to who called sudo") {
  if (::geteuid() != 0) skip_case("only root can give a file away");
  const Scripts scripts;
  for (const char* given : {"node", "node/scripts", "node/scripts/repair"}) {
    INFO(given);
    const fs::path path = scripts.folder / given;
    REQUIRE(::chown(path.c_str(), kSomebody, kSomebody) == 0);
    CHECK_THAT(scripts.why(), Catch::StartsWith(path.string() + " belongs to user 12345"));
    REQUIRE(::setenv("SUDO_UID", "12345", 1) == 0);
    CHECK(scripts.why() == "");
    REQUIRE(::chmod(path.c_str(), 0775) == 0);
    CHECK_THAT(scripts.why(), Catch::Contains("may be written by group 12345"));
    REQUIRE(::setenv("SUDO_GID", "12345", 1) == 0);
    CHECK(scripts.why() == "");
    REQUIRE(::unsetenv("SUDO_UID") == 0);
    REQUIRE(::unsetenv("SUDO_GID") == 0);
    REQUIRE(::chown(path.c_str(), 0, 0) == 0);
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
  }
}

}  // namespace
}  // namespace panshi
