// SPDX-License-Identifier: Apache-2.0
#include "agents/helpers/helper.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

struct Program {
  const char* name;
  std::size_t arguments_min;
  Status (*begin)(const HelperArguments& arguments);
};

constexpr Program kPrograms[] = {
    {"children", 1, &begin_children}, {"cpu", 2, &begin_cpu},   {"disk", 3, &begin_disk},
    {"dns", 5, &begin_dns},           {"fill", 2, &begin_fill}, {"memory", 1, &begin_memory},
    {"trace", 2, &begin_trace},
};
constexpr std::int64_t kSecondsMax = 86'400;
constexpr int kLooksMax = 1'000;  // a millisecond each

Status begin(const HelperArguments& arguments) {
  for (const Program& program : kPrograms) {
    if (arguments.at(0) != program.name) continue;
    const HelperArguments rest(arguments.begin() + 1, arguments.end());
    if (rest.size() < program.arguments_min) break;
    return program.begin(rest);
  }
  return fail(ErrorCode::kInvalid, cat("no helper `", arguments.at(0), "` with these arguments"));
}

// Until the input ends or time is up, by the clock that a suspended machine's goes on.
void wait_for_the_end(std::int64_t seconds_max) {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const std::int64_t end = now.tv_sec + seconds_max;
  while (now.tv_sec < end) {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&input, 1, 1'000);
    std::array<char, 64> ignored{};
    if (ready > 0 && ::read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) return;
    if (ready < 0 && errno != EINTR) return;
    ::clock_gettime(CLOCK_BOOTTIME, &now);
  }
}

void await_children() {
  for (int looks = 0; looks < kLooksMax; ++looks) {
    if (::waitpid(-1, nullptr, WNOHANG) < 0) return;  // there is none
    const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

}  // namespace

int run_helper(const HelperArguments& arguments) {
  ::prctl(PR_SET_NAME, "panshi-helper");
  const auto seconds =
      arguments.empty() ? fail(ErrorCode::kInvalid, "no time limit") : parse_integer(arguments[0]);
  if (!seconds || *seconds < 1 || *seconds > kSecondsMax || arguments.size() < 2) {
    std::cout << "helper SECONDS_MAX PROGRAM ARGUMENT…" << std::endl;
    return 64;
  }
  // Ends what it started as well; a helper leads its group.
  if (::getpgrp() != ::getpid()) ::setpgid(0, 0);
  if (auto begun = begin({arguments.begin() + 1, arguments.end()}); !begun) {
    std::cout << begun.error().message << std::endl;
    return 1;
  }
  std::cout << "ready" << std::endl;
  wait_for_the_end(*seconds);
  ::signal(SIGTERM, SIG_IGN);
  ::kill(0, SIGTERM);  // a tracer then lets go of what it traces
  await_children();
  ::kill(0, SIGKILL);
  return 0;
}

}  // namespace panshi::agent
