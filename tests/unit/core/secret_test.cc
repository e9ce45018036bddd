// SPDX-License-Identifier: Apache-2.0
// Promise: a secret comes out of its file and nowhere else.
#include "core/io/secret.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/support/secret_file.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

using Json = nlohmann::json;

TEST_CASE("a secret is read without its line end, anew each time, and not when others may") {
  const TemporaryFolder folder;
  const Secret secret = secret_in(folder.path(), "with blanks \t");
  CHECK(secret.read().value() == "with blanks \t");
  (void)secret_in(folder.path(), "another");
  CHECK(secret.read().value() == "another");
  CHECK(Secret().read().value().empty());
  CHECK(Secret(folder.path() / "absent").read().error().code == ErrorCode::kNotFound);
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
    REQUIRE(::chmod(secret.file().c_str(), mode) == 0);
    const auto refused = secret.read();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kRefused);
    CHECK(refused.error().message.find("chmod 600") != std::string::npos);
    CHECK(refused.error().message.find("another") == std::string::npos);
  }
}

TEST_CASE("a secret that others may change, or that is none, is refused") {
  const TemporaryFolder folder;
  const auto refused = [&](const Secret& secret, ErrorCode code, const std::string& said) {
    const auto text = secret.read();
    REQUIRE_FALSE(text);
    CHECK(text.error().code == code);
    CHECK(text.error().message.find(said) != std::string::npos);
  };
  refused(secret_in(folder.path(), "", "empty"), ErrorCode::kInvalid, "is empty");
  refused(secret_in(folder.path(), std::string("a\0b", 3), "zero"), ErrorCode::kInvalid,
          "zero byte");
  refused(secret_in(folder.path(), "a\nb", "two"), ErrorCode::kInvalid, "several lines");
  const std::filesystem::path open = folder / "open";
  std::filesystem::create_directory(open);
  const Secret inside = secret_in(open, "a secret");
  CHECK(inside.read());
  REQUIRE(::chmod(open.c_str(), 0777) == 0);
  refused(inside, ErrorCode::kRefused, "chmod o-w");
  // A link is followed, and each folder on its way is asked.
  std::filesystem::create_symlink(inside.file(), folder / "link");
  refused(Secret(folder / "link"), ErrorCode::kRefused, "chmod o-w");
  REQUIRE(::chmod(open.c_str(), 0700) == 0);
  CHECK(Secret(folder / "link").read() == "a secret");
  if (::geteuid() != 0) return;
  REQUIRE(::chown(inside.file().c_str(), 65'534, 65'534) == 0);
  refused(inside, ErrorCode::kRefused, "belongs to user 65534");
}

TEST_CASE("a configuration names its file, and a text in its place is refused without its words") {
  const auto read = [](const Json& json, Problems& problems) {
    Secret secret;
    Fields in(json, "sql", problems);
    may_secret(in, "password", secret);
    in.done();
    return secret;
  };
  Problems good;
  CHECK(read({{"password", {{"secret", "a.secret"}}}}, good).file() == "a.secret");
  CHECK(read(Json::object(), good).empty());
  CHECK(good.empty());
  for (const Json& wrong : {Json("hunter2"), Json(7), Json({{"secrt", "a"}}), Json::array()}) {
    Problems problems;
    (void)read({{"password", wrong}}, problems);
    REQUIRE_FALSE(problems.empty());
    CHECK(problems.error().message.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("what was read is struck out wherever it would be shown") {
  const TemporaryFolder folder;
  const std::string long_enough = "s3cret-0123456789";
  CHECK(without_secrets("x " + long_enough) == "x " + long_enough);  // not read yet
  REQUIRE(secret_in(folder.path(), long_enough).read());
  REQUIRE(secret_in(folder.path(), "root", "short").read());
  CHECK(without_secrets("x " + long_enough + long_enough + " y") == "x (struck out)(struck out) y");
  CHECK(without_secrets("the root of it") == "the root of it");  // too short to be told from words
  REQUIRE(secret_in(folder.path(), long_enough + "-PROD", "longer").read());
  CHECK(without_secrets("x " + long_enough + "-PROD y") == "x (struck out) y");
  const Json json = {{"a", {1, "is " + long_enough}}, {long_enough, true}};
  CHECK(json_without_secrets(json) == Json{{"a", {1, "is (struck out)"}}, {"(struck out)", true}});
}

}  // namespace
}  // namespace panshi
