// SPDX-License-Identifier: Apache-2.0
// The promise under test: whoever of the two is killed or frozen, the other sees to a new one; an
// orderly end revives nobody; and it does not go on for ever.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

struct Line {
  std::string what;
  pid_t ward = 0;
  pid_t guardian = 0;
};

// Runs a ward, reads what it says, and ends everything that it left.
class Ward {
 public:
  Ward() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that revived ones are ours to reap
    run_another();
  }
  void run_another() {
    const std::string log = folder_ / "log";
    if (::fork() == 0) {
      ::execl(PANSHI_WARD, PANSHI_WARD, "run", log.c_str(), nullptr);
      ::_exit(127);
    }
  }
  ~Ward() {
    const auto said = lines();
    for (const Line& line : said) {  // guardians first, so that none revives a ward
      if (line.guardian > 0) ::kill(line.guardian, SIGKILL);
    }
    for (const Line& line : said) ::kill(line.ward, SIGKILL);
    while (::waitpid(-1, nullptr, WNOHANG) >= 0) std::this_thread::sleep_for(1ms);
  }

  std::vector<Line> lines() const {
    std::vector<Line> all;
    std::ifstream file(folder_ / "log");
    for (Line line; file >> line.what >> line.ward >> line.guardian;) all.push_back(line);
    return all;
  }
  // The line at `index`, once it is there.
  Line await(std::size_t index) const {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (lines().size() <= index) {
      REQUIRE(std::chrono::steady_clock::now() < limit);
      std::this_thread::sleep_for(2ms);
    }
    return lines()[index];
  }

 private:
  TemporaryFolder folder_;
};

void await_end(pid_t pid) {  // of a child or of one that was handed to us
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (::waitpid(pid, nullptr, WNOHANG) != pid) {
    REQUIRE(std::chrono::steady_clock::now() < limit);
    std::this_thread::sleep_for(2ms);
  }
}

TEST_CASE("an agent that is killed is started again by its guardian, which is then guarded anew") {
  Ward ward;
  const Line first = ward.await(0);
  CHECK(first.what == "run");
  ::kill(first.ward, SIGKILL);
  const Line second = ward.await(1);
  CHECK(second.what == "recover");
  CHECK(second.ward == first.guardian);  // in its own place
  CHECK(second.guardian != first.guardian);
}

TEST_CASE("a guardian that is killed is replaced, and the new one does its duty") {
  Ward ward;
  const Line first = ward.await(0);
  ::kill(first.guardian, SIGKILL);
  const Line replaced = ward.await(1);
  CHECK(replaced.what == "new-guardian");
  CHECK(replaced.ward == first.ward);
  ::kill(first.ward, SIGKILL);
  const Line revived = ward.await(2);
  CHECK(revived.what == "recover");
  CHECK(revived.ward == replaced.guardian);
}

TEST_CASE("an agent that does not move by the time it named is killed and started again") {
  Ward ward;
  const Line first = ward.await(0);
  ::kill(first.ward, SIGUSR1);
  CHECK(ward.await(1).what == "named");
  const Line second = ward.await(2);
  CHECK(second.what == "recover");
  CHECK(second.ward == first.guardian);
  int status = 0;
  CHECK(::waitpid(first.ward, &status, 0) == first.ward);
  CHECK(WIFSIGNALED(status));
}

TEST_CASE("an agent that is stopped before the time it named is killed and started again") {
  Ward ward;
  const Line first = ward.await(0);
  ::kill(first.ward, SIGUSR1);
  ward.await(1);
  ::kill(first.ward, SIGSTOP);
  CHECK(ward.await(2).what == "recover");
}

TEST_CASE("a guardian that is frozen is replaced and the new one does its duty") {
  Ward ward;
  const Line first = ward.await(0);
  ::kill(first.guardian, SIGSTOP);
  const Line replaced = ward.await(1);
  CHECK(replaced.what == "new-guardian");
  CHECK(replaced.guardian != first.guardian);
  ::kill(first.ward, SIGUSR1);
  const Line revived = ward.await(3);
  CHECK(revived.what == "recover");
  CHECK(revived.ward == replaced.guardian);
}

TEST_CASE("a frozen guardian of a dead agent is ended by the agent that comes after it") {
  Ward ward;
  const Line first = ward.await(0);
  ::kill(first.guardian, SIGSTOP);
  ::kill(first.ward, SIGKILL);
  await_end(first.ward);
  ward.run_another();
  CHECK(ward.await(1).what == "run");
  await_end(first.guardian);
}

TEST_CASE("an orderly end revives nobody") {
  Ward ward;
  const Line first = ward.await(0);
  ::kill(first.ward, SIGTERM);
  await_end(first.ward);
  CHECK(::kill(first.guardian, 0) != 0);
  CHECK(ward.lines().size() == 1);
}

TEST_CASE(
    "signals meant for the agent's group do not end the guardian, and a revived agent obeys") {
  Ward ward;
  const Line first = ward.await(0);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::kill(first.guardian, signal);
  ::kill(first.ward, SIGKILL);
  const Line second = ward.await(1);
  CHECK(second.ward == first.guardian);
  ::kill(second.ward, SIGTERM);
  await_end(second.ward);
  CHECK(ward.lines().size() == 2);
}

TEST_CASE("an agent that dies again and again is reverted once more and then left alone") {
  Ward ward;
  for (std::size_t death = 0; death < 4; ++death) ::kill(ward.await(death).ward, SIGKILL);
  const Line last = ward.await(4);
  CHECK(last.what == "reverted");
  await_end(last.ward);
  CHECK(ward.lines().size() == 5);
}

TEST_CASE("a waiting guardian keeps less than a megabyte to itself") {
  if (kSanitized) skip_case("the guardian: a sanitizer's own memory is counted, too");
  Ward ward;
  const Line first = ward.await(0);
  std::ifstream file("/proc/" + std::to_string(first.guardian) + "/smaps_rollup");
  int private_kib = 0;
  std::string word;
  while (file >> word) {
    int kib = 0;
    if (word == "Private_Dirty:" && file >> kib) private_kib += kib;
  }
  CHECK(private_kib > 0);
  CHECK(private_kib < 1024);
}

}  // namespace
}  // namespace panshi::agent
