// SPDX-License-Identifier: Apache-2.0
// Promise: what is kept of a service is read back or refused, and its log stays bounded.
#include "core/io/files.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "agents/supervisor/log_rotator.h"
#include "agents/supervisor/service_files.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

TEST_CASE("a record is read back as it was written") {
  TemporaryFolder folder;
  const ServiceFiles files(folder.path());
  REQUIRE(files.make_folders());
  CHECK_FALSE(files.read("shop"));
  REQUIRE(files.write("shop", {{4711, 99}, false, true}));
  const auto record = files.read("shop");
  REQUIRE(record);
  CHECK(record->process == ProcessName{4711, 99});
  CHECK(record->ready);
  CHECK_FALSE(record->preparing);
}

TEST_CASE("a service is prepared until its commands or their programs change") {
  TemporaryFolder folder;
  const ServiceFiles files(folder.path());
  REQUIRE(files.make_folders());
  const std::string program = (folder / "setup").string();
  std::ofstream(program) << "first";
  const ServiceFiles::Commands by = {{program, "--all"}};
  CHECK_FALSE(files.is_prepared("shop", by));
  REQUIRE(files.mark_prepared("shop", by));
  CHECK(files.is_prepared("shop", by));
  CHECK_FALSE(files.is_prepared("shop", {{program}}));
  std::ofstream(program) << "a new version";
  CHECK_FALSE(files.is_prepared("shop", by));
}

TEST_CASE("a record of another boot or of nonsense is none") {
  TemporaryFolder folder;
  const ServiceFiles files(folder.path());
  REQUIRE(files.make_folders());
  const auto file = folder / "services/shop.json";
  std::ofstream(file)
      << R"({"pid":1,"start_ticks":1,"boot_id":"x","preparing":false,"ready":true})";
  CHECK(files.read("shop").error().code == ErrorCode::kNotFound);
  std::ofstream(file) << R"({"pid":"one"})";
  CHECK(files.read("shop").error().code == ErrorCode::kInvalid);
}

TEST_CASE("a log that grew too large is put aside, and the older ones move on") {
  TemporaryFolder folder;
  const auto log = folder / "shop.log";
  for (const char* text : {"first", "second", "third", "fourth"}) {
    std::ofstream(log, std::ios::app) << text;
    REQUIRE(rotate_if_large(log, 4, 3));
    CHECK(read_file(log).value().empty());
  }
  CHECK(read_file(folder / "shop.log.1").value() == "fourth");
  CHECK(read_file(folder / "shop.log.2").value() == "third");
  CHECK_FALSE(std::filesystem::exists(folder / "shop.log.3"));
  // Of one that has grown beyond all measure its end is kept.
  std::ofstream(log) << std::string(100, 'a') << "at the end";
  REQUIRE(rotate_if_large(log, 5, 3));
  CHECK(read_file(folder / "shop.log.1").value() == "at the end");
}

TEST_CASE("a log that is small or absent is left alone") {
  TemporaryFolder folder;
  CHECK(rotate_if_large(folder / "absent.log"));
  std::ofstream(folder / "shop.log") << "few";
  CHECK(rotate_if_large(folder / "shop.log", 3, 3));
  CHECK(read_file(folder / "shop.log").value() == "few");
}

}  // namespace
}  // namespace panshi::agent
