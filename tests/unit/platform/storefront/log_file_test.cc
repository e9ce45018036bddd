// SPDX-License-Identifier: Apache-2.0
// The promise under test: the log only ever grows, by whole lines, and a gap is never papered over.
#include "platform/storefront/base/log_file.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

struct TemporaryFile {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / cat("panshi-log-file-test-", ::getpid());
  TemporaryFile() { std::filesystem::remove(path); }
  ~TemporaryFile() { std::filesystem::remove(path); }
  std::string text() const {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
};

TEST_CASE("lines are in the file once flushed, after those of an earlier run") {
  const TemporaryFile file;
  {
    auto log = LogFile::open(file.path);
    REQUIRE(log);
    log->append("one");
    log->append("two");
    CHECK(file.text().empty());
    REQUIRE(log->flush());
    CHECK(file.text() == "one\ntwo\n");
  }
  auto log = LogFile::open(file.path);
  REQUIRE(log);
  log->append("three");
  REQUIRE(log->flush());
  CHECK(file.text() == "one\ntwo\nthree\n");
}

TEST_CASE("a torn last line is ended, not continued") {
  const TemporaryFile file;
  std::ofstream(file.path) << "one\ntw";
  auto log = LogFile::open(file.path);
  REQUIRE(log);
  log->append("three");
  REQUIRE(log->flush());
  CHECK(file.text() == "one\ntw\nthree\n");
}

TEST_CASE("a directory that is not there is named") {
  const auto log = LogFile::open("/nonexistent/customers.log");
  REQUIRE_FALSE(log);
  CHECK(log.error().message.find("/nonexistent/customers.log") != std::string::npos);
}

TEST_CASE("after a failed write every later one fails too") {
  auto log = LogFile::open("/dev/full");
  REQUIRE(log);
  log->append("one");
  REQUIRE_FALSE(log->flush());
  log->append("two");
  CHECK_FALSE(log->flush());
}

}  // namespace
}  // namespace panshi::shop
