// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/part.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/base/text.h"

namespace panshi {

Part::Part(const std::vector<std::string>& words) {
  std::vector<std::string> argv = {"/proc/self/exe"};
  argv.insert(argv.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& word : argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) std::abort();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  to_ = ::fdopen(in[1], "w");
  from_ = ::fdopen(out[0], "r");
}

Part::~Part() {
  std::fclose(to_);  // it ends by itself
  std::fclose(from_);
  ::waitpid(pid_, nullptr, 0);
}

void Part::tell(const std::string& line) {
  std::fprintf(to_, "%s\n", line.c_str());
  std::fflush(to_);
}

std::string Part::hear() {
  std::string line;
  for (int c = std::fgetc(from_); c != EOF && c != '\n'; c = std::fgetc(from_)) {
    line += static_cast<char>(c);
  }
  return line;
}

bool hear_line(std::string& line) { return static_cast<bool>(std::getline(std::cin, line)); }
void say_line(const std::string& line) { std::cout << line << std::endl; }

// Not statm, whose counters the kernel brings up to date by the hundred pages only.
double resident_kib(pid_t pid) {
  std::ifstream file(cat("/proc/", pid, "/smaps_rollup"));
  std::string word;
  double kib = 0;
  while (file >> word && word != "Rss:") {
  }
  file >> kib;
  return kib;
}

double cpu_us(pid_t pid) {
  double all = 0;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(cat("/proc/", pid, "/task"), error)) {
    double ns = 0;
    std::ifstream(task.path() / "schedstat") >> ns;
    all += ns / 1e3;
  }
  return all;
}

}  // namespace panshi
