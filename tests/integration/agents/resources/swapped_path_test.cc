// SPDX-License-Identifier: Apache-2.0
// The promise under test: whoever may write in a folder that faults may touch, and swaps a part of
// the path for a link at any moment, leads no fault to a file elsewhere: nothing there is broken,
// copied, made or removed.
#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "agents/faults/fault_book.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using nlohmann::json;

const std::string kSecret = "a secret of root's";

// Each run of a verb lasts so long; the nightly job asks for a minute.
std::chrono::milliseconds how_long() {
  const char* seconds = std::getenv("PANSHI_SWAP_SECONDS");
  return seconds ? std::chrono::seconds(std::atoi(seconds)) : 1'500ms;
}

// What is one thing for a moment and another for the next: data/app, the user's folder or a link to
// root's; or the last part of the path, the user's file or another name of root's.
enum class Swap { kFolder, kLink, kHardLink };

class Swapped {
  TemporaryFolder folder_;  // goes last

 public:
  explicit Swapped(Swap swap) {
    fs::create_directories(root());
    fs::create_directories(folder_ / "data/app");
    fs::create_directory_symlink(root(), folder_ / "data/other");
    std::ofstream(root() / "orders.log") << kSecret;
    fs::permissions(root() / "orders.log", fs::perms::owner_read);
    std::ofstream(path()) << "what the user may lose, and gets back";
    const fs::path app = folder_ / "data/app";
    const fs::path one = swap == Swap::kFolder ? app : app / "orders.log";
    const fs::path other = swap == Swap::kFolder ? folder_ / "data/other" : app / "other.log";
    if (swap == Swap::kLink) fs::create_symlink(root() / "orders.log", other);
    if (swap == Swap::kHardLink) fs::create_hard_link(root() / "orders.log", other);
    give_to_the_user();
    host.set_scope({.node = "here",
                    .state = folder_ / "state",
                    .directories = {folder_ / "data"},
                    .disk_reserve = 0});
    book = std::move(*FaultBook::open({.directory = folder_ / "faults"}, host));
    swapper_ = std::thread([this, one, other] {
      ::setfsuid(kUser);  // as root: it may do what that account may
      while (!done_) {
        (void)::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
      }
    });
  }
  ~Swapped() {
    done_ = true;
    swapper_.join();
  }
  fs::path root() const { return folder_ / "root"; }
  std::string path() const { return (folder_ / "data/app/orders.log").string(); }

  // Applied and reverted over and over; how often it was in force.
  int run(const std::string& kind, const json& params) {
    const auto began = std::chrono::steady_clock::now();
    const auto lasts = [&] { return std::chrono::steady_clock::now() - began; };
    int live = 0;
    for (int i = 0; lasts() < how_long() || (live == 0 && lasts() < 60s); ++i) {
      const std::string id = cat("f", i);
      const auto put = book->put({.id = id,
                                  .epoch = 1,
                                  .kind = kind,
                                  .target = {{"node", "here"}},
                                  .params = params,
                                  .lease = 60s,
                                  .drill = {}});
      live += put && put->at("state") == "live" ? 1 : 0;
      if (!put) refusal = put.error().message;
      CHECK(whole());
      (void)book->fsck();
      (void)book->revert(id);
      (void)book->clear_leftovers();
      CHECK(whole());
    }
    return live;
  }
  // Root's folder is as it was, and nothing of it lies about.
  bool whole() const {
    struct stat facts {};
    const auto file = root() / "orders.log";
    if (::stat(file.c_str(), &facts) != 0 || (facts.st_mode & 07777) != 0400) return false;
    if (read_file(file).value_or("") != kSecret) return false;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root())) {
      if (entry.path() != file) return false;
    }
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "state", error)) {
      if (read_file(entry.path()).value_or("") == kSecret) return false;
    }
    return true;
  }

  RealHost host;
  std::unique_ptr<FaultBook> book;
  std::string refusal;  // the last one

 private:
  static constexpr uid_t kUser = 65'534;
  void give_to_the_user() const {
    if (::geteuid() != 0) return;
    for (const char* mine : {"data", "data/app", "data/app/orders.log"}) {
      REQUIRE(::chown((folder_ / mine).c_str(), kUser, kUser) == 0);
    }
    // The way there is a test's own folder, which is its maker's alone.
    fs::permissions(folder_.path(), fs::perms::others_exec, fs::perm_options::add);
  }

  std::atomic<bool> done_ = false;
  std::thread swapper_;
};

TEST_CASE("a path that is swapped for a link at any moment leads no fault to another file") {
  const std::string kind = GENERATE(as<std::string>(), "file.permission", "file.flip",
                                    "file.truncate", "resource.disk-fill", "resource.disk-load");
  const Swap swap = kind.starts_with("file.")
                        ? GENERATE(Swap::kFolder, Swap::kLink, Swap::kHardLink)
                        : Swap::kFolder;
  INFO(kind << ", " << static_cast<int>(swap));
  Swapped swapped(swap);
  json params = {{"path", swapped.path()}};
  if (kind == "resource.disk-load") {
    params = {{"directory", fs::path(swapped.path()).parent_path().string()},
              {"rate", "1MiB"},
              {"size", "1MiB"}};
  }
  if (kind == "resource.disk-fill") {
    const auto folder = fs::path(swapped.path()).parent_path();
    const fs::space_info room = fs::space(folder);
    const double used = 100.0 * static_cast<double>(room.capacity - room.available) /
                        static_cast<double>(room.capacity);
    params = {{"directory", folder.string()}, {"percent", used + 0.5}};
  }
  const int live = swapped.run(kind, params);
  INFO("in force " << live << " times; refused: " << swapped.refusal);
  CHECK(live > 0);
}

TEST_CASE("a file with another name elsewhere is not touched") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "data");
  std::ofstream(folder / "elsewhere") << kSecret;
  fs::create_hard_link(folder / "elsewhere", folder / "data/orders.log");
  RealHost host;
  host.set_scope({.node = "here", .state = folder / "state", .directories = {folder / "data"}});
  const auto book = std::move(*FaultBook::open({.directory = folder / "faults"}, host));
  const auto put = book->put({.id = "f1",
                              .epoch = 1,
                              .kind = "file.truncate",
                              .target = {{"node", "here"}},
                              .params = {{"path", (folder / "data/orders.log").string()}},
                              .lease = 60s,
                              .drill = {}});
  REQUIRE_FALSE(put);
  CHECK_THAT(put.error().message, Catch::Contains("hard links"));
  CHECK(read_file(folder / "elsewhere").value() == kSecret);
}

}  // namespace
}  // namespace panshi::agent
