// SPDX-License-Identifier: Apache-2.0
// Starts one child process; for core/io/process*.cc and held_process.cc only.
#pragma once

#include <sys/types.h>

#include <utility>

#include "core/io/process.h"

namespace panshi {

class Handle {  // a file descriptor that is closed at the end
 public:
  explicit Handle(int fd = -1) : fd_(fd) {}
  Handle(Handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle();

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct SpawnedProcess {
  pid_t pid = 0;
  Handle pidfd;
};

// `output`: where stdout and stderr go; -1: to spec.log_file. Any thread.
Result<SpawnedProcess> spawn(const ProcessSpec& spec, int output);

// As name_process(), but also of a child that has ended and is not reaped.
Result<ProcessName> name_child(pid_t pid);

// Readable when the process has ended.
Result<Handle> open_pidfd(pid_t pid);

}  // namespace panshi
