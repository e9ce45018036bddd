// SPDX-License-Identifier: Apache-2.0
// Promise: a document that is written for somebody ends up in the file that was named, and in no
// other one that somebody else had in mind.
#include <catch2/catch.hpp>

#include "cli/exit_codes.h"
#include "core/io/files.h"
#include "tests/support/skip.h"
#include "tests/unit/cli/fake_controller.h"

namespace panshi::cli {
namespace {

constexpr uid_t kStranger = 65'534;

struct WithReport : FakeController {
  WithReport() {
    server.route("GET", "/api/v1/reports/d-1", [](const HttpRequest&) {
      return HttpResponse{.body = "the report", .content_type = "text/plain"};
    });
    std::filesystem::create_directory(folder / "theirs");
    std::ofstream(folder / "precious") << "precious";
  }
  int write_to(const std::filesystem::path& file) {
    return run(report_commands(), {"report", "d-1", "--out", file.string()});
  }
  void give_away(const std::filesystem::path& path) const {
    REQUIRE(::lchown(path.c_str(), kStranger, kStranger) == 0);
  }
};

TEST_CASE("a report follows no link that somebody else has put there") {
  if (::geteuid() != 0) skip_case("only root can give a file away");
  WithReport with;
  const auto link = with.folder / "theirs/r.html";
  std::filesystem::create_symlink(with.folder / "precious", link);
  with.give_away(link);
  with.give_away(with.folder / "theirs");
  CHECK(with.write_to(link) != kPass);
  CHECK_THAT(with.said, Catch::Contains("belongs to user 65534"));
  CHECK(read_file(with.folder / "precious").value() == "precious");
  const auto through = with.folder / "theirs/folder";
  std::filesystem::create_directory_symlink(with.folder.path(), through);
  with.give_away(through);
  CHECK(with.write_to(through / "new.html") != kPass);
  CHECK_FALSE(std::filesystem::exists(with.folder / "new.html"));
}

TEST_CASE("a report follows a link of one's own, and is a file of its own elsewhere") {
  WithReport with;
  const auto link = with.folder / "latest.html";
  std::filesystem::create_symlink(with.folder / "precious", link);
  CHECK(with.write_to(link) == kPass);
  CHECK(read_file(with.folder / "precious").value() == "the report");
  CHECK(with.write_to(with.folder / "theirs/plain.html") == kPass);
}

}  // namespace
}  // namespace panshi::cli
