// SPDX-License-Identifier: Apache-2.0
// Part: the benchmark's own program once more, as another process that is spoken to in lines, so
// that what is measured has a process to itself. Ends when it goes.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

namespace panshi {

class Part {
 public:
  explicit Part(const std::vector<std::string>& words);  // of its command line
  ~Part();
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  void tell(const std::string& line);
  std::string hear();  // its next line; "" when it has ended
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

// For the part: what it hears, false at the end; and what it says.
bool hear_line(std::string& line);
void say_line(const std::string& line);

double resident_kib(pid_t pid);
double cpu_us(pid_t pid);  // of all its threads

}  // namespace panshi
