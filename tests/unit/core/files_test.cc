// SPDX-License-Identifier: Apache-2.0
// Promise: a file is written whole or not at all, a token stays secret, a lock has one holder.
#include "core/io/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <optional>

#include "core/base/text.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;

unsigned mode_of(const fs::path& path) {
  struct stat about = {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_mode & 07777;
}

std::ptrdiff_t entries_in(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

TEST_CASE("a written file reads back, replaces the old one and leaves nothing beside it") {
  const TemporaryFolder folder;
  const std::string bytes("a\0b\n", 4);
  REQUIRE(write_file_durably(folder / "f", "old", 0600));
  REQUIRE(write_file_durably(folder / "f", bytes, 0640));
  CHECK(read_file(folder / "f") == bytes);
  CHECK(mode_of(folder / "f") == 0640);
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("a write that fails keeps the old file and leaves nothing beside it") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "f" / "full");  // a rename onto it must fail
  const auto wrote = write_file_durably(folder / "f", "new");
  REQUIRE_FALSE(wrote);
  CHECK(wrote.error().message.find((folder / "f").string()) != std::string::npos);
  CHECK(entries_in(folder.path()) == 1);
  CHECK(write_file_durably(folder / "no" / "f", "new").error().code == ErrorCode::kNotFound);
}

TEST_CASE("reading names what is missing and stops at the limit") {
  const TemporaryFolder folder;
  CHECK(read_file(folder / "none").error().code == ErrorCode::kNotFound);
  CHECK(read_file(folder.path()).error().code == ErrorCode::kInternal);
  REQUIRE(write_file_durably(folder / "f", "12345"));
  CHECK(read_file(folder / "f", 5) == "12345");
  CHECK(read_file(folder / "f", 4).error().code == ErrorCode::kRefused);
  CHECK(read_file("/proc/self/stat")->starts_with(cat(::getpid(), " ")));
}

TEST_CASE("a named pipe is refused at once, one that a shell gives is read") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const auto refused = read_file(folder / "pipe");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message, Catch::EndsWith("is not a regular file"));
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], "12345", 5) == 5);
  ::close(ends[1]);
  CHECK(read_file(cat("/proc/self/fd/", ends[0])) == "12345");
  ::close(ends[0]);
}

TEST_CASE("removing twice is fine") {
  const TemporaryFolder folder;
  REQUIRE(write_file_durably(folder / "f", "x"));
  CHECK(remove_file_durably(folder / "f"));
  CHECK(remove_file_durably(folder / "f"));
  CHECK(remove_file_durably(folder / "no" / "f"));
  CHECK(entries_in(folder.path()) == 0);
  CHECK_FALSE(remove_file_durably(folder.path()));
}

TEST_CASE("a token is made once, of 64 hex digits behind its mark, for its owner only") {
  const TemporaryFolder folder;
  const auto token = load_or_make_token(folder / "t");
  REQUIRE(token);
  CHECK(token->size() == kTokenPrefix.size() + 64);
  CHECK(token->starts_with(kTokenPrefix));
  CHECK(token->find_first_not_of("0123456789abcdef", kTokenPrefix.size()) == std::string::npos);
  CHECK(mode_of(folder / "t") == 0600);
  CHECK(*load_or_make_token(folder / "t") == *token);
  CHECK(*load_or_make_token(folder / "other") != *token);
  CHECK(entries_in(folder.path()) == 2);
}

TEST_CASE("a token that others may read, or that is none, is refused") {
  const TemporaryFolder folder;
  REQUIRE(write_file_durably(folder / "open", "secret\n", 0644));
  CHECK(load_or_make_token(folder / "open").error().code == ErrorCode::kRefused);
  REQUIRE(write_file_durably(folder / "empty", "\n", 0600));
  CHECK(load_or_make_token(folder / "empty").error().code == ErrorCode::kInvalid);
  REQUIRE(write_file_durably(folder / "two", "a\nb\n", 0600));
  CHECK(load_or_make_token(folder / "two").error().code == ErrorCode::kInvalid);
  REQUIRE(write_file_durably(folder / "short", "guess-me\n", 0600));
  CHECK(load_or_make_token(folder / "short").error().code == ErrorCode::kInvalid);
  REQUIRE(write_file_durably(folder / "own", "my-own-secret-here\n", 0600));
  CHECK(load_or_make_token(folder / "own") == "my-own-secret-here");
}

TEST_CASE("tokens compare by every byte") {
  CHECK(equal_in_constant_time("", ""));
  CHECK(equal_in_constant_time("abc", "abc"));
  CHECK_FALSE(equal_in_constant_time("abc", "abd"));
  CHECK_FALSE(equal_in_constant_time("abc", "bbc"));
  CHECK_FALSE(equal_in_constant_time("abc", "ab"));
}

TEST_CASE("a lock has one holder, who is named, and ends with it") {
  const TemporaryFolder folder;
  auto first = LockFile::acquire(folder / "lock");
  REQUIRE(first);
  CHECK(LockFile::is_held(folder / "lock"));
  CHECK_FALSE(LockFile::is_held(folder / "other"));
  const auto second = LockFile::acquire(folder / "lock");
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::kConflict);
  CHECK(second.error().message.ends_with(cat("is held by process ", ::getpid())));
  {
    const LockFile moved = std::move(*first);
    CHECK_FALSE(LockFile::acquire(folder / "lock"));
  }
  CHECK_FALSE(LockFile::is_held(folder / "lock"));
  CHECK(LockFile::acquire(folder / "lock"));
}

}  // namespace
}  // namespace panshi
