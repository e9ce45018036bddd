// SPDX-License-Identifier: Apache-2.0
// FoundFile: one file held by a descriptor, and what tells it from every other one.
//
// A path or an inode number alone does not: files are renamed, and numbers are used again. Where
// the file system gives handles (name_to_handle_at(2)), a handle means one file for ever, and root
// finds it wherever it was renamed to. Elsewhere inode, device and time of birth must do. Every
// look and every change goes through the one descriptor. One thread at a time.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace panshi::agent {

class FoundFile {
 public:
  // The regular file at `path`, of which no part is a link. Needs no permission on the file itself.
  // kRefused: it is something else, or a link is on the way; kNotFound.
  static Result<FoundFile> open(const std::filesystem::path& path);
  // The file that was at `path` and of which identity() was taken: there, elsewhere in that folder,
  // or, for root, wherever its file system has it. kNotFound: it was removed; kUnavailable: it was
  // removed, or moved to where it cannot be looked for.
  static Result<FoundFile> find(const std::filesystem::path& path, const nlohmann::json& identity);

  FoundFile(FoundFile&& other) noexcept;
  FoundFile(const FoundFile&) = delete;
  FoundFile& operator=(const FoundFile&) = delete;
  ~FoundFile();

  nlohmann::json identity() const;
  Result<struct stat> facts() const;
  Status set_mode(mode_t mode) const;
  // At most `size` bytes from `offset`; fewer at the end of the file. Leaves no time behind where
  // its owner or root reads.
  Result<std::string> read(std::int64_t offset, std::size_t size) const;
  // Nobody has written between the two places, as far as the file system tells (lseek(2),
  // SEEK_DATA): but for what shares a block with one of the two ends, of which it does not.
  bool is_hole(std::int64_t from, std::int64_t to) const;

 private:
  explicit FoundFile(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  bool is(const nlohmann::json& identity) const;
  // kNotFound: it was removed for sure; kUnavailable: not found in this way.
  static Result<FoundFile> find_by_handle(const std::filesystem::path& path,
                                          const nlohmann::json& identity);

  friend class FileWriter;
  int fd_;  // of O_PATH
  std::filesystem::path path_;
};

// Writes to a file and leaves nothing else changed: what a write changes besides the content (its
// times, setuid bits, capabilities) is put back by finish().
class FileWriter {
 public:
  static Result<FileWriter> open(const FoundFile& file);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  ~FileWriter();

  Status write(std::int64_t offset, std::string_view bytes);
  Status truncate(std::int64_t size);
  // In one step at the end, wherever that is then. Returns the size of the file behind it.
  Result<std::int64_t> append(std::string_view bytes);
  // Times of reading and writing other than those found when it was opened.
  void set_times(const std::array<timespec, 2>& times) { times_ = times; }
  Status finish();  // durable

 private:
  explicit FileWriter(int fd) : fd_(fd) {}
  Status note();

  int fd_;
  mode_t mode_ = 0;
  std::array<timespec, 2> times_{};
  std::string capabilities_;  // the extended attribute; "": none
};

}  // namespace panshi::agent
