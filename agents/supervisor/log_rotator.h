// SPDX-License-Identifier: Apache-2.0
// LogRotator: keeps the services' logs bounded: 10 MiB, then copied aside and cut, three files
// each.
//
// Copied and cut in place because the services hold the file open (O_APPEND); lines written between
// the copy and the cut are lost. Works on its own thread `logs`, so that a slow disk stalls nobody.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "agents/limits.h"
#include "core/base/result.h"

namespace panshi::agent {

class LogRotator {
 public:
  explicit LogRotator(std::vector<std::filesystem::path> files);
  ~LogRotator();
  LogRotator(const LogRotator&) = delete;
  LogRotator& operator=(const LogRotator&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// x.log over `size_max` becomes x.log.1, x.log.1 becomes x.log.2, … No error when it is absent.
Status rotate_if_large(const std::filesystem::path& file,
                       std::uintmax_t size_max = limits::kLogBytesMax,
                       int files_max = limits::kLogFilesMax);

}  // namespace panshi::agent
