// SPDX-License-Identifier: Apache-2.0
// LogFile: appends lines, whole batches in one write; never rotated, never truncated.
//
// What flush() returned for is with the kernel and survives the death of this process (not that of
// the machine). A torn last line of an earlier run is ended first. One thread at a time.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace panshi::shop {

class LogFile {
 public:
  static Result<LogFile> open(const std::filesystem::path& path);
  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&&) = delete;
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  void append(std::string_view line);  // buffered until flush()
  // After an error every later call fails with it too: a gap must not be papered over.
  Status flush();
  bool is_flushed() const { return buffer_.empty(); }

 private:
  LogFile(int descriptor, std::filesystem::path path)
      : descriptor_(descriptor), path_(std::move(path)) {}

  int descriptor_;
  std::filesystem::path path_;
  std::string buffer_;
  Status broken_;
};

}  // namespace panshi::shop
