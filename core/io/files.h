// SPDX-License-Identifier: Apache-2.0
// Files and directories the way a control plane needs them: whole or not at all, and durable.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/struck.h"

namespace panshi {

// kNotFound when absent, kRefused when longer than `size_max` or a named pipe. Also reads /proc.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t size_max = 16 << 20);

// Temporary file, fsync, rename, fsync of the directory: after a power cut the old or the new.
Status write_file_durably(const std::filesystem::path& path, std::string_view text,
                          unsigned mode = 0644);
Status remove_file_durably(const std::filesystem::path& path);  // no error when absent

// 32 random bytes of the kernel's in hex: for secrets only, whatever is to be replayed has a seed.
Result<std::string> random_token();
// Whose file it is; nullopt when it is not there.
std::optional<std::uint32_t> owner_of(const std::filesystem::path& path);
// A token in its file: one line of 16 to 512 printable ASCII characters, else kInvalid. kNotFound.
// It is struck out of what we log and journal (core/base/struck.h).
Result<std::string> read_token(const std::filesystem::path& path);
// The same of a file of mode 0600; a random one that begins with `prefix` is made when absent.
// kRefused: others may read it.
Result<std::string> load_or_make_token(const std::filesystem::path& path,
                                       std::string_view prefix = kTokenPrefix);
bool equal_in_constant_time(std::string_view a, std::string_view b);

// An exclusive lock that the kernel drops with the process; the file holds our pid, or nothing on a
// full disk, and was last written when it was taken.
class LockFile {
 public:
  // kConflict names the pid that holds it. Waits for a holder that is just dying, 5 s at most.
  static Result<LockFile> acquire(const std::filesystem::path& path);
  // Whether somebody has it, told from /proc/locks: nobody who acquires it meanwhile is disturbed.
  static bool is_held(const std::filesystem::path& path);
  // Which process that is, told likewise; 0 when nobody has it, or that cannot be seen from here.
  static pid_t holder(const std::filesystem::path& path);
  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&& other) noexcept;
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace panshi
