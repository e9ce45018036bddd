// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>

#include "agents/helpers/helper.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr int kTriesMax = 400;
constexpr auto kBetweenTries = std::chrono::milliseconds(10);

pid_t tracer_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/status");
  std::string word;
  while (file >> word) {
    pid_t tracer = 0;
    if (word == "TracerPid:" && file >> tracer) return tracer;
  }
  return 0;
}

}  // namespace

// What strace itself says of a failure goes to the same place as our own words.
Status begin_trace(const HelperArguments& arguments) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail(ErrorCode::kInternal, "fork failed");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(1);
    std::vector<std::string> words = arguments;
    words.erase(words.begin() + 1);
    words.insert(words.begin() + 1, {"-qq", "-f", "-o", "/dev/null", "-p", arguments[1]});
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (tracer_of(arguments[1]) == child) return {};
    if (::waitpid(child, nullptr, WNOHANG) == child) {
      return fail(ErrorCode::kRefused, cat(arguments[0], " could not trace ", arguments[1]));
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
  return fail(ErrorCode::kTimeout, cat("process ", arguments[1], " was not traced in time"));
}

}  // namespace panshi::agent
