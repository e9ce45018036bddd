// SPDX-License-Identifier: Apache-2.0
// KeptFile: a file as it was, kept aside whole and durably before a fault breaks it.
//
// Put back into the same inode, byte by byte, with mode, owner and times. One thread at a time.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "core/base/result.h"

namespace panshi::agent {

class KeptFile {
 public:
  static constexpr std::int64_t kSizeMax = 64 << 20;
  static constexpr const char* kEnding = ".kept";  // of a copy's name, after the fault's id

  // What must be in the undo record. kRefused: no regular file, empty, or too large.
  static Result<nlohmann::json> look(const std::filesystem::path& path);

  // `facts`: what look() found; `copy`: where the content is kept.
  KeptFile(const nlohmann::json& facts, std::filesystem::path copy);

  // kConflict: a file is being broken already; two copies of one file would undo each other.
  Status keep() const;
  // Nothing was kept: nothing was broken. The file is another one by now, or gone: it stays so.
  Status put_back() const;
  Result<std::string> original() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  bool is_same() const;
  void remove_torn_copies() const;
  Status write(const std::string& content) const;

  nlohmann::json facts_;
  std::filesystem::path path_;
  std::filesystem::path copy_;
};

}  // namespace panshi::agent
