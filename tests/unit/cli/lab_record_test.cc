// SPDX-License-Identifier: Apache-2.0
// Promise: lab.json reads back as written, also in a directory with spaces.
#include "cli/lab/lab_record.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi::cli {
namespace {

TEST_CASE("a record reads back as written") {
  const TemporaryFolder folder;
  LabRecord record{"shop", "/f", "127.78", 20, "https://127.78.0.1:17700", "/t", "/ca.crt",
                   "/c",   "/l", 12,       {}};
  record.nodes.push_back(
      {"keys-1", "127.78.4.1", "http://127.78.4.1:17701", "/s", "/t", "/c", "/l", 7});
  REQUIRE(write_lab_record(folder.path(), record));
  const LabRecord read = read_lab_record(folder.path()).value();
  CHECK(to_json(read) == to_json(record));
}

TEST_CASE("no record is kNotFound and a damaged one says what is wrong") {
  const TemporaryFolder folder;
  CHECK(read_lab_record(folder.path()).error().code == ErrorCode::kNotFound);
  std::ofstream(lab_record_file(folder.path())) << "{\"name\": 3}";
  CHECK(read_lab_record(folder.path()).error().code == ErrorCode::kInvalid);
}

TEST_CASE("the record of a lab that somebody else could have written is not believed") {
  if (::geteuid() != 0) skip_case("only root can give a file away");
  const TemporaryFolder folder;
  std::ofstream(folder / "lab.json") << "{}";
  constexpr uid_t kNobody = 65'534;
  REQUIRE(::chown((folder / "lab.json").c_str(), kNobody, kNobody) == 0);
  const auto record = read_lab_record(folder.path());
  REQUIRE_FALSE(record);
  CHECK(record.error().code == ErrorCode::kRefused);
  CHECK_THAT(record.error().message, Catch::Contains("belongs to user 65534"));
  REQUIRE(::chown((folder / "lab.json").c_str(), 0, 0) == 0);
  REQUIRE(::chown(folder.path().c_str(), kNobody, kNobody) == 0);
  CHECK(read_lab_record(folder.path()).error().code == ErrorCode::kRefused);
}

}  // namespace
}  // namespace panshi::cli
