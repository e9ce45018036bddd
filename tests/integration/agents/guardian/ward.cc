// SPDX-License-Identifier: Apache-2.0
// A stand-in for the agent: guarded, it appends a line for each start to a file, then waits.
//
//     ward run|recover|revert-all FILE     (recover and revert-all are what its guardian executes)
//
// At SIGUSR1 it names a time by which it will move, and never moves again.
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

#include "agents/guardian/guardian.h"

int main(int count, char** arguments) {
  if (count < 3) return 64;
  const std::string verb = arguments[1];
  const std::string file = arguments[2];
  const auto say = [&](const std::string& line) {
    std::ofstream(file, std::ios::app) << line << std::endl;
  };
  if (verb == "revert-all") {
    say("reverted " + std::to_string(getpid()) + " 0");
    return 0;
  }
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t wait;
  sigemptyset(&wait);
  sigaddset(&wait, SIGTERM);
  sigaddset(&wait, SIGUSR1);
  auto guardian = panshi::agent::Guardian::start({.revive = {"recover", file},
                                                  .revive_frozen = {"recover", file},
                                                  .revert = {"revert-all", file},
                                                  .revivals_max = 3,
                                                  .grace = std::chrono::milliseconds(100),
                                                  .ask_every = std::chrono::milliseconds(300)});
  if (!guardian) return 1;
  sigprocmask(SIG_BLOCK, &wait, nullptr);
  if (!(*guardian)->take_over(file + ".guardian")) return 1;
  (*guardian)->watch([&](pid_t pid) {
    say("new-guardian " + std::to_string(getpid()) + " " + std::to_string(pid));
  });
  say(verb + " " + std::to_string(getpid()) + " " + std::to_string((*guardian)->pid()));
  for (int signal = 0; signal != SIGTERM;) {
    sigwait(&wait, &signal);
    if (signal == SIGUSR1) {
      (*guardian)->moving(panshi::SystemClock().mono() + std::chrono::milliseconds(100));
      say("named " + std::to_string(getpid()) + " 0");
    }
  }
  return 0;
}
