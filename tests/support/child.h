// SPDX-License-Identifier: Apache-2.0
// Child: a process that a test started, and that ends with it: also when the test is killed.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace panshi {

class Child {
 public:
  // Looked up in PATH; stdout and stderr go to `log`. Throws when it cannot be started.
  // REQUIRES: called on a thread that lives as long as the child may (it dies with that thread).
  Child(const std::vector<std::string>& argv, const std::filesystem::path& log);
  ~Child();  // kills it
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number);
  void pause();                       // SIGSTOP, and waits until every thread of it stands still
  void kill_now();                    // SIGKILL, and waits for its end
  bool stop(int within_ms = 15'000);  // SIGTERM; SIGKILL and false when it takes longer
  int wait();                         // for its end by itself: the exit status, -1 after a signal
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int status_ = 0;
};

}  // namespace panshi
