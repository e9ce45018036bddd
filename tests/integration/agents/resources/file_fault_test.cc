// SPDX-License-Identifier: Apache-2.0
// The promise under test: a fault on a file gives back what it took (content, mode, owner, times,
// extended attributes, the inode itself) and nothing that others have written, renamed or made anew
// meanwhile; where it cannot, a copy is kept and fsck names it.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <fstream>

#include "agents/faults/fault_book.h"
#include "core/io/files.h"
#include "tests/integration/agents/faults/real_host.h"
#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const std::vector<std::string> kKinds = {"file.flip", "file.permission", "file.truncate"};
constexpr std::size_t kSize = 4'000;

class Node {
 public:
  Node() {
    std::filesystem::create_directories(folder_ / "data");
    host.set_scope({.node = "here", .state = folder_ / "state", .directories = {folder_ / "data"}});
    reopen();
    std::string content;
    for (std::size_t i = 0; i < kSize; ++i) content += static_cast<char>('a' + i % 23);
    std::ofstream(path()) << content;
  }
  void reopen() {  // as the next agent would
    book.reset();
    book = std::move(*FaultBook::open({.directory = folder_ / "faults"}, host));
  }
  FaultOrder order(const std::string& kind, const std::string& id = "f1") const {
    return {.id = id,
            .epoch = 1,
            .kind = kind,
            .target = {{"node", "here"}},
            .params = {{"path", path()}},
            .lease = 60s,
            .drill = {}};
  }
  Result<json> put(const std::string& kind, const std::string& id = "f1") {
    return book->put(order(kind, id));
  }
  std::filesystem::path undo_record(const std::string& id) const {
    return folder_ / "faults" / (id + ".json");
  }
  void lose_undo_record() {
    REQUIRE(std::filesystem::remove(undo_record("f1")));
    reopen();
  }
  std::string path(const std::string& name = "orders.log") const {
    return (folder_ / "data" / name).string();
  }
  std::string kept() const { return (folder_ / "state/kept/f1/original").string(); }
  // What fsck says of kept files.
  std::string kept_named() const {
    std::string all;
    for (const Leftover& leftover : book->fsck()) {
      if (leftover.what.starts_with("kept of fault")) all += leftover.why;
    }
    return all;
  }

  RealHost host;
  std::unique_ptr<FaultBook> book;

 private:
  TemporaryFolder folder_;
};

std::string text_of(const std::string& path) { return read_file(path).value(); }

void append(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app) << text;
}

// Everything of a file that can be as it was; not the time of its last change of status (ctime),
// which nobody can set.
json all_of(const std::string& path) {
  struct stat facts {};
  REQUIRE(::lstat(path.c_str(), &facts) == 0);
  std::string attributes;
  for (const char* name : {"security.capability", "system.posix_acl_access", "user.note"}) {
    std::array<char, 256> value{};
    const ssize_t size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
    for (ssize_t i = 0; i < size; ++i) {
      attributes += cat(static_cast<int>(value[static_cast<std::size_t>(i)]), " ");
    }
    attributes += ";";
  }
  return {{"inode", facts.st_ino},
          {"mode", facts.st_mode},
          {"owner", {facts.st_uid, facts.st_gid}},
          {"read at", {facts.st_atim.tv_sec, facts.st_atim.tv_nsec}},
          {"written at", {facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec}},
          {"attributes", attributes},
          {"size", facts.st_size}};
}

// With a time long ago, an owner of its own, a setuid bit, a capability and an ACL, where this
// machine lets us have them.
void make_special(const std::string& path) {
  if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), 12'345, 23'456) == 0);
  REQUIRE(::chmod(path.c_str(), 04751) == 0);
  (void)::setxattr(path.c_str(), "user.note", "mine", 4, 0);
  const std::array<unsigned char, 20> capability = {1, 0, 0, 2, 0, 4};  // net_bind_service
  (void)::setxattr(path.c_str(), "security.capability", capability.data(), capability.size(), 0);
  const std::array<timespec, 2> times = {timespec{1'500'000'001, 7}, timespec{1'500'000'002, 9}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0);
}

TEST_CASE("a file is exactly as it was: content, mode, owner, times, attributes, inode") {
  for (const std::string& kind : kKinds) {
    for (const bool fresh : {false, true}) {
      INFO(kind << (fresh ? ", by the next agent" : ""));
      Node node;
      const std::string content = text_of(node.path());
      make_special(node.path());
      const json before = all_of(node.path());
      REQUIRE(node.put(kind));
      if (fresh) {
        node.reopen();
        (void)node.book->recover();
      } else {
        REQUIRE(node.book->revert("f1"));
      }
      CHECK(all_of(node.path()) == before);
      CHECK(text_of(node.path()) == content);
      CHECK_FALSE(std::filesystem::exists(node.kept()));
    }
  }
}

TEST_CASE("what a service appends while a fault is in force stays, and so does its time") {
  for (const char* kind : {"file.flip", "file.permission"}) {
    INFO(kind);
    Node node;
    const std::string content = text_of(node.path());
    const int service = ::open(node.path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    REQUIRE(node.put(kind));
    for (int line = 0; line < 3; ++line) REQUIRE(::write(service, "newer\n", 6) == 6);
    ::close(service);
    const json written = all_of(node.path()).at("written at");
    REQUIRE(node.book->revert("f1"));
    CHECK(text_of(node.path()) == content + "newer\nnewer\nnewer\n");
    CHECK(all_of(node.path()).at("written at") == written);
    CHECK(node.kept_named().empty());
  }
}

TEST_CASE("permissions and owner that somebody sets while a fault is in force stay") {
  for (const std::string& kind : kKinds) {
    INFO(kind);
    Node node;
    REQUIRE(node.put(kind));
    REQUIRE(::chmod(node.path().c_str(), 0604) == 0);
    if (::geteuid() == 0) REQUIRE(::chown(node.path().c_str(), 12'345, 23'456) == 0);
    const json newer = all_of(node.path());
    REQUIRE(node.book->revert("f1"));
    CHECK(all_of(node.path()).at("mode") == newer.at("mode"));
    CHECK(all_of(node.path()).at("owner") == newer.at("owner"));
  }
}

TEST_CASE("what was written where the end was cut off stays, the copy is kept and fsck names it") {
  Node node;
  const std::string content = text_of(node.path());
  REQUIRE(node.put("file.truncate"));
  append(node.path(), "a newer line\n");
  const auto reverted = node.book->revert("f1");
  REQUIRE(reverted);
  CHECK(text_of(node.path()) == content.substr(0, kSize / 2) + "a newer line\n");
  CHECK(text_of(node.kept()) == content);
  CHECK_THAT(node.kept_named(), Catch::Contains(node.path() + ": others have written since"));
  CHECK(reverted->at("measured").at("left").get<std::string>() != "");
  node.reopen();
  CHECK_THAT(node.kept_named(), Catch::Contains("others have written since"));
  REQUIRE(node.put("file.flip", "f2"));  // a copy that is left for a person is in nobody's way
  REQUIRE(node.book->revert("f2"));
}

TEST_CASE("zeros that somebody writes where the end was cut off are theirs, a hole is nobody's") {
  Node node;
  const std::string content = text_of(node.path());
  REQUIRE(node.put("file.truncate"));
  append(node.path(), std::string(kSize, '\0'));
  REQUIRE(node.book->revert("f1"));
  CHECK(text_of(node.path()) == content.substr(0, kSize / 2) + std::string(kSize, '\0'));
  CHECK(text_of(node.kept()) == content);

  const std::string large = std::string(1 << 20, 'x');
  std::ofstream(node.path()) << large;
  const int service = ::open(node.path().c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(node.put("file.truncate", "f2"));
  REQUIRE(::pwrite(service, "newer", 5, 1 << 20) == 5);  // by a place of its own
  ::close(service);
  REQUIRE(node.book->revert("f2"));
  CHECK(text_of(node.path()) == large + "newer");
}

TEST_CASE("a file whose undo record is gone is put back by the copy beside the original") {
  for (const std::string& kind : kKinds) {
    INFO(kind);
    Node node;
    make_special(node.path());
    const std::string content = text_of(node.path());
    const json before = all_of(node.path());
    REQUIRE(node.put(kind));
    node.lose_undo_record();  // and start anew
    CHECK(node.book->recover().reverted == std::vector<FaultId>{"f1"});
    CHECK(all_of(node.path()) == before);
    CHECK(text_of(node.path()) == content);
    CHECK(node.kept_named().empty());
  }
}

TEST_CASE("a copy that is gone or damaged is said to be so, and nothing of it is written") {
  namespace fs = std::filesystem;
  const auto harm = GENERATE(as<std::string>(), "all gone", "gone", "cut", "emptied", "zeros");
  for (const char* kind : {"file.flip", "file.truncate"}) {
    INFO(kind << ", " << harm);
    Node node;
    REQUIRE(node.put(kind));
    const std::string broken = text_of(node.path());
    const fs::path kept = node.kept();
    if (harm == "all gone") fs::remove_all(kept.parent_path());
    if (harm == "gone") fs::remove(kept);
    if (harm == "cut") fs::resize_file(kept, 50);
    if (harm == "emptied") fs::resize_file(kept, 0);
    if (harm == "zeros") std::ofstream(kept) << std::string(kSize, '\0');
    const auto reverted = node.book->revert("f1");
    REQUIRE(reverted);
    CHECK(reverted->at("state") == "reverted");
    CHECK_THAT(reverted->at("measured").value("left", ""),
               Catch::Contains("it may be broken still: the copy of it that was kept is"));
    CHECK_THAT(node.kept_named(), Catch::Contains("may be broken still"));
    CHECK(text_of(node.path()) == broken);
  }
}

TEST_CASE("an agent that dies before it has broken anything leaves nothing to be said") {
  for (const char* kind : {"file.flip", "file.truncate"}) {
    INFO(kind);
    Node node;
    REQUIRE(node.put(kind));
    json record = json::parse(text_of(node.undo_record("f1")));
    REQUIRE(node.book->revert("f1"));
    // Another one, as it was written right before apply(): the file is as it was then.
    struct stat facts {};
    REQUIRE(::stat(node.path().c_str(), &facts) == 0);
    record["fault"]["id"] = "f2";
    record["resolved"]["changed_at"] = {facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec};
    REQUIRE(write_file_durably(node.undo_record("f2"), record.dump()));
    const std::string content = text_of(node.path());
    node.reopen();
    CHECK(node.book->recover().reverted == std::vector<FaultId>{"f2"});
    CHECK(node.kept_named().empty());
    CHECK(text_of(node.path()) == content);
  }
}

TEST_CASE("a file that log rotation has renamed is mended where it is now") {
  for (const std::string& kind : kKinds) {
    INFO(kind);
    Node node;
    const std::string content = text_of(node.path());
    const json before = all_of(node.path());
    REQUIRE(node.put(kind));
    std::filesystem::rename(node.path(), node.path("orders.log.1"));
    std::ofstream(node.path()) << "the new one";
    const json newer = all_of(node.path());
    REQUIRE(node.book->revert("f1"));
    CHECK(all_of(node.path("orders.log.1")) == before);
    CHECK(text_of(node.path("orders.log.1")) == content);
    CHECK(all_of(node.path()) == newer);
    CHECK(text_of(node.path()) == "the new one");
    CHECK(node.kept_named().empty());
  }
}

TEST_CASE("a file that was moved to another folder is mended there, or kept and named") {
  Node node;
  const std::string content = text_of(node.path());
  REQUIRE(node.put("file.truncate"));
  std::filesystem::create_directories(node.path("archive"));
  std::filesystem::rename(node.path(), node.path("archive/orders.log"));
  REQUIRE(node.book->revert("f1"));
  if (::geteuid() == 0) {
    CHECK(text_of(node.path("archive/orders.log")) == content);
    CHECK(node.kept_named().empty());
  } else {
    CHECK(text_of(node.kept()) == content);
    CHECK_THAT(node.kept_named(), Catch::Contains("moved to where it was not found"));
  }
}

TEST_CASE("a file that was removed and made anew is left alone, also with the same inode number") {
  for (const std::string& kind : kKinds) {
    INFO(kind);
    Node node;
    const std::string content = text_of(node.path());
    REQUIRE(node.put(kind));
    const json old = all_of(node.path()).at("inode");
    std::filesystem::remove(node.path());
    bool same = false;
    for (int tries = 0; tries < 100 && !same; ++tries) {  // ext4 gives the number out again at once
      std::filesystem::remove(node.path());
      std::ofstream(node.path()) << "somebody's new file";
      same = all_of(node.path()).at("inode") == old;
    }
    if (!same) skip_part("this file system did not use the inode number again");
    REQUIRE(::chmod(node.path().c_str(), 0) == 0);
    const json newer = all_of(node.path());
    REQUIRE(node.book->revert("f1"));
    CHECK(all_of(node.path()) == newer);
    REQUIRE(::chmod(node.path().c_str(), 0600) == 0);
    CHECK(text_of(node.path()) == "somebody's new file");
    if (kind == "file.permission") {
      CHECK(node.kept_named().empty());  // nothing was lost but what is gone
    } else {
      CHECK(text_of(node.kept()) == content);
      CHECK_THAT(node.kept_named(), Catch::Contains("was removed"));
    }
  }
}

TEST_CASE("an agent that dies between breaking a file and putting its times back leaves no trace") {
  Node node;
  make_special(node.path());
  const json before = all_of(node.path());
  REQUIRE(node.put("file.flip"));
  // As if it had died there: the mark that it was done is not yet written, the time is of now.
  std::filesystem::remove(std::filesystem::path(node.kept()).parent_path() / "broken");
  REQUIRE(::utimensat(AT_FDCWD, node.path().c_str(), nullptr, 0) == 0);
  node.reopen();
  (void)node.book->recover();
  CHECK(all_of(node.path()) == before);
}

}  // namespace
}  // namespace panshi::agent
