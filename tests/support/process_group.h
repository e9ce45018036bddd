// SPDX-License-Identifier: Apache-2.0
// Group: a program of a test's own in a process group of its own.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/io/process.h"

namespace panshi {

// Runs argv as the leader of a new session and group; kills the group and reaps its leader at the
// end.
class Group {
 public:
  explicit Group(std::vector<std::string> argv) {
    std::vector<char*> words;
    for (std::string& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    int running[2];  // closed by exec: afterwards it is the program, not a copy of us
    if (::pipe2(running, O_CLOEXEC) != 0) std::abort();
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::setsid();  // a session too: else the kernel itself resumes an orphaned group
      ::execv(words[0], words.data());
      ::_exit(127);
    }
    ::close(running[1]);
    char nothing = 0;
    while (::read(running[0], &nothing, 1) < 0 && errno == EINTR) {
    }
    ::close(running[0]);
    name_ = name_process(pid).value();
  }
  ~Group() {
    ::kill(-name_.pid, SIGKILL);
    ::waitpid(name_.pid, nullptr, 0);
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ProcessName name() const { return name_; }

 private:
  ProcessName name_;
};

}  // namespace panshi
