// SPDX-License-Identifier: Apache-2.0
// Promise: the first signal stops a program in order, the second at once, even one that hangs.
#include "core/io/signals.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <functional>
#include <latch>

namespace panshi {
namespace {

// Runs `program` in a process of its own and sends it `signals`, each once it has written a byte.
// Its wait status.
int run_with(const std::function<int(std::function<void()> ready)>& program,
             const std::vector<int>& signals) {
  std::array<int, 2> pipe = {};
  REQUIRE(::pipe(pipe.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(20);
    ::_exit(program([&] { (void)!::write(pipe[1], "x", 1); }));
  }
  ::close(pipe[1]);
  for (const int signal : signals) {
    char byte = 0;
    REQUIRE(::read(pipe[0], &byte, 1) == 1);
    ::kill(child, signal);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(pipe[0]);
  return status;
}

TEST_CASE("the first signal calls stop, once and with its number") {
  for (const int signal : {SIGTERM, SIGINT}) {
    const int status = run_with(
        [](const std::function<void()>& ready) {
          prepare_signals();
          std::latch stopped(1);
          int seen = 0;
          const StopSignal stop([&](int number) {
            seen = number;
            stopped.count_down();
          });
          ready();
          stopped.wait();
          return seen;
        },
        {signal});
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == signal);
  }
}

TEST_CASE("a signal that came before anybody waited is not lost") {
  const int status = run_with(
      [](const std::function<void()>& ready) {
        prepare_signals();
        ::kill(::getpid(), SIGTERM);
        ready();
        std::latch stopped(1);
        const StopSignal stop([&](int) { stopped.count_down(); });
        stopped.wait();
        return 7;
      },
      {0});
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("a second signal ends a program that hangs in its stop") {
  const int status = run_with(
      [](const std::function<void()>& ready) {
        prepare_signals();
        const StopSignal stop([&](int) {
          ready();
          while (true) ::pause();
        });
        ready();
        while (true) ::pause();
        return 0;
      },
      {SIGTERM, SIGINT});
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
}

TEST_CASE("a second signal ends a program that is slow after its stop") {
  const int status = run_with(
      [](const std::function<void()>& ready) {
        prepare_signals();
        const StopSignal stop([&](int) { ready(); });
        ready();
        while (true) ::pause();
        return 0;
      },
      {SIGINT, SIGINT});
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
}

TEST_CASE("a second signal ends a program that hangs when it has stopped") {
  const int status = run_with(
      [](const std::function<void()>& ready) {
        prepare_signals();
        {
          std::latch stopped(1);
          const StopSignal stop([&](int) { stopped.count_down(); });
          ready();
          stopped.wait();
        }
        ready();
        while (true) ::pause();
        return 0;
      },
      {SIGTERM, SIGTERM});
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
}

TEST_CASE("with something for later signals, two at once call both, in order") {
  const int status = run_with(
      [](const std::function<void()>& ready) {
        prepare_signals();
        ::kill(::getpid(), SIGINT);
        ::kill(::getpid(), SIGTERM);  // pending beside it before anybody reads
        std::latch seen_twice(2);
        int first = 0;
        int later = 0;
        const StopSignal stop(
            [&](int) {
              first = later + 1;
              seen_twice.count_down();
            },
            [&](int) {
              later = first + 1;
              seen_twice.count_down();
            });
        ready();
        seen_twice.wait();
        return first * 10 + later;
      },
      {0});
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 12);
}

TEST_CASE("without a signal the owner may go first, and a broken pipe is no death") {
  const int status = run_with(
      [](const std::function<void()>& ready) {
        prepare_signals();
        {
          const StopSignal stop([](int) { ::_exit(1); });
        }
        ready();
        std::array<int, 2> broken = {};
        if (::pipe(broken.data()) != 0) return 2;
        ::close(broken[0]);
        return ::write(broken[1], "x", 1) == -1 ? 0 : 3;
      },
      {0});
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace panshi
