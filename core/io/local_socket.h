// SPDX-License-Identifier: Apache-2.0
// Unix sockets: one to listen at, for its owner alone, and how to name one to whoever connects.
//
// Linux only. Any thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "core/base/result.h"

namespace panshi {

// In the state directories of the two programs.
inline constexpr const char* kControllerSocket = "controller.sock";
inline constexpr const char* kAgentSocket = "agent.sock";

// A path of any length in the 107 bytes that the kernel takes: a longer one by its folder's
// descriptor, which stays open as long as this lives.
class LocalPath {
 public:
  static Result<LocalPath> of(const std::filesystem::path& file);  // kNotFound: no such folder
  ~LocalPath();
  LocalPath(LocalPath&& other) noexcept;
  LocalPath& operator=(LocalPath&&) = delete;
  const std::string& text() const { return text_; }

 private:
  LocalPath(std::string text, int folder) : text_(std::move(text)), folder_(folder) {}
  std::string text_;
  int folder_;
};

// Mode 0600, not blocking, close-on-exec; the caller closes it. What is there of a program that has
// ended is replaced: REQUIRES that nobody else may listen there now (a lock of the folder says so).
Result<int> listen_local(const std::filesystem::path& file);

// Of the process at the other end of a Unix socket, when it connected.
std::optional<uid_t> uid_of_peer(int fd);

}  // namespace panshi
