// SPDX-License-Identifier: Apache-2.0
// Promise: a child gets nothing of ours, its end is told once and truly, a script that overstays
// goes with all its children, and nothing is left behind.
#include "core/io/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <future>
#include <thread>

#include "core/base/text.h"
#include "core/io/descriptor_limit.h"
#include "core/io/files.h"
#include "core/io/signals.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

// A process is gone for good: reaped by us, or never there.
bool no_child_left() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

ProcessSpec shell(const std::string& script) {
  return {.argv = {"/bin/sh", "-c", script}, .env = {{"PATH", "/usr/bin:/bin"}}};
}

ScriptResult run(ProcessRunner& runner, const ProcessSpec& spec, Duration timeout = 20s) {
  std::promise<ScriptResult> promise;
  runner.run(spec, timeout, [&](ScriptResult result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

struct Launched {
  Result<ProcessName> name;
  std::future<ProcessExit> exit;
};

Launched launch(ProcessRunner& runner, const ProcessSpec& spec) {
  const auto promise = std::make_shared<std::promise<ProcessExit>>();
  auto name = runner.launch(spec, [promise](ProcessExit exit) { promise->set_value(exit); });
  return {std::move(name), promise->get_future()};
}

pid_t wait_for_pid_in(const std::filesystem::path& file) {
  for (int i = 0; i < 2'000; ++i) {
    if (const auto text = read_file(file); text && text->ends_with('\n')) return std::stoi(*text);
    std::this_thread::sleep_for(5ms);
  }
  FAIL("no pid in " << file);
  return 0;
}

TEST_CASE("an exit is told with its code or its signal") {
  ProcessRunner runner;
  auto coded = launch(runner, shell("exit 7"));
  REQUIRE(coded.name);
  const ProcessExit exit = coded.exit.get();
  CHECK(exit.code == 7);
  CHECK(exit.signal == 0);
  CHECK_FALSE(exit.adopted);

  auto killed = launch(runner, shell("exec sleep 100"));
  REQUIRE(killed.name);
  CHECK(is_alive(*killed.name));
  CHECK(name_process(killed.name->pid).value() == *killed.name);
  REQUIRE(signal_group(*killed.name, SIGKILL));
  const ProcessExit end = killed.exit.get();
  CHECK(end.signal == SIGKILL);
  CHECK(end.code == -1);
  CHECK_FALSE(is_alive(*killed.name));
  CHECK(signal_group(*killed.name, SIGKILL).error().code == ErrorCode::kNotFound);
  CHECK(no_child_left());
}

TEST_CASE("a program that cannot be started is an error and leaves no zombie") {
  const TemporaryFolder folder;
  REQUIRE(write_file_durably(folder / "plain", "#!/bin/sh\n", 0644));
  REQUIRE(write_file_durably(folder / "odd", "#!/no/such/interpreter\n", 0755));
  REQUIRE(write_file_durably(folder / "text", "hello", 0755));
  ProcessRunner runner;
  const auto code = [&](const std::string& program) {
    const auto name = runner.launch({.argv = {program}}, [](ProcessExit) {});
    REQUIRE_FALSE(name);
    CHECK(name.error().message.find(program) != std::string::npos);
    return name.error().code;
  };
  CHECK(code("/no/such/program") == ErrorCode::kNotFound);
  CHECK(code("no-such-program") == ErrorCode::kNotFound);
  CHECK(code((folder / "plain").string()) == ErrorCode::kRefused);
  CHECK(code(folder.path().string()) == ErrorCode::kRefused);
  CHECK(code((folder / "odd").string()) == ErrorCode::kNotFound);
  CHECK(code((folder / "text").string()) == ErrorCode::kRefused);
  CHECK_FALSE(runner.launch({.argv = {}}, [](ProcessExit) {}));
  CHECK_FALSE(runner.launch({.argv = {"/bin/true"}, .directory = "/no/such"}, [](ProcessExit) {}));
  CHECK_FALSE(
      runner.launch({.argv = {"/bin/true"}, .log_file = "/no/such/log"}, [](ProcessExit) {}));
  CHECK(no_child_left());

  const ScriptResult missing = run(runner, {.argv = {"no-such-program"}});
  CHECK(missing.exit.code == 127);
  CHECK(missing.output.find("no-such-program") != std::string::npos);
  CHECK(run(runner, {.argv = {(folder / "plain").string()}}).exit.code == 126);
}

TEST_CASE("the program is looked up in the child's PATH") {
  const TemporaryFolder folder;
  REQUIRE(write_file_durably(folder / "sleep", "#!/bin/sh\necho mine\n", 0755));
  ProcessRunner runner;
  const auto result = run(runner, {.argv = {"sleep"}, .env = {{"PATH", folder.path().string()}}});
  CHECK(result.output == "mine\n");
}

TEST_CASE("a child gets the environment, the folder and the arguments it was given, no more") {
  const TemporaryFolder folder;
  ::setenv("PANSHI_TEST_SECRET", "x", 1);
  ProcessRunner runner;
  CHECK(run(runner, {.argv = {"/usr/bin/env"}, .env = {{"A", "1 2"}, {"B", ""}}}).output ==
        "A=1 2\nB=\n");
  CHECK(run(runner, {.argv = {"/bin/pwd", "-P"}, .directory = folder.path()}).output ==
        std::filesystem::canonical(folder.path()).string() + "\n");
  CHECK(run(runner, {.argv = {"/usr/bin/printf", "[%s]", "a b", "", "$HOME"}}).output ==
        "[a b][][$HOME]");
}

TEST_CASE("a child inherits no descriptor, no blocked signal and no handler of ours") {
  const int leak = ::open("/dev/null", O_RDONLY);  // deliberately without O_CLOEXEC
  REQUIRE(leak >= 0);
  // As a program of ours has it: SIGTERM and SIGINT blocked, SIGPIPE ignored.
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &before);
  prepare_signals();
  ProcessRunner runner;
  const auto signals = run(runner, shell("while read -r name value; do case $name in Sig[BI]*) "
                                         "echo $value;; esac; done < /proc/self/status"));
  const auto descriptors = run(runner, shell("ls -l /proc/self/fd | grep -c -e '->'"));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  ::close(leak);
  const auto lines = split(signals.output, '\n');
  REQUIRE(lines.size() == 3);
  for (const std::string& line : {lines[0], lines[1]}) {
    // Without 32 and 33, which the C library keeps to itself.
    CHECK((std::stoull(line, nullptr, 16) & 0x7fff'ffff) == 0);
  }
  // 0 null, 1 and 2 the pipes, and the one that ls itself has open.
  CHECK(descriptors.output == "4\n");
}

TEST_CASE("output is appended to the log file, and input is empty") {
  const TemporaryFolder folder;
  REQUIRE(write_file_durably(folder / "log", "before\n"));
  ProcessRunner runner;
  ProcessSpec spec = shell("cat; echo out; echo err >&2");
  spec.log_file = folder / "log";
  CHECK(launch(runner, spec).exit.get().code == 0);
  CHECK(launch(runner, spec).exit.get().code == 0);
  CHECK(*read_file(folder / "log") == "before\nout\nerr\nout\nerr\n");
  CHECK(launch(runner, shell("test \"$(readlink /proc/$$/fd/1)\" = /dev/null")).exit.get().code ==
        0);
}

TEST_CASE("a script's output is kept as written, the last 64 KiB of it and what a secret needs") {
  ProcessRunner runner;
  const auto mixed = run(runner, shell("echo a; echo b >&2; echo c; exit 3"));
  CHECK(mixed.output == "a\nb\nc\n");
  CHECK(mixed.exit.code == 3);
  CHECK_FALSE(mixed.timed_out);
  CHECK(mixed.took > 0us);

  const auto flood = run(runner, shell("head -c 5000000 /dev/zero | tr '\\0' x; echo end"));
  CHECK(flood.output.size() == (64 << 10) + kSecretReach);
  CHECK(flood.output.ends_with("xend\n"));
}

TEST_CASE("a script that overstays goes with its grandchildren, deaf ones too") {
  const TemporaryFolder folder;
  ProcessRunner runner;
  const std::string pid_file = (folder / "pid").string();
  const auto result = run(runner,
                          shell("trap '' TERM; (trap '' TERM; sh -c 'echo $$ > " + pid_file +
                                "; while :; do sleep 1; done') & echo started; wait"),
                          200ms);
  CHECK(result.timed_out);
  CHECK(result.exit.signal == SIGKILL);
  CHECK(result.output == "started\n");
  CHECK(result.took >= 2s);
  const pid_t grandchild = wait_for_pid_in(pid_file);
  CHECK_FALSE(name_process(grandchild));
  CHECK(no_child_left());
}

TEST_CASE("a grandchild that is deaf to SIGTERM goes although the script obeyed") {
  const TemporaryFolder folder;
  ProcessRunner runner;
  const std::string pid_file = (folder / "pid").string();
  const auto result = run(
      runner,
      shell("sh -c 'trap \"\" TERM; echo $$ > " + pid_file + "; while :; do sleep 1; done' & wait"),
      200ms);
  CHECK(result.timed_out);
  CHECK(result.exit.signal == SIGTERM);
  CHECK_FALSE(name_process(wait_for_pid_in(pid_file)));
}

TEST_CASE("a script that obeys SIGTERM is not waited for longer, a stopped one is woken") {
  ProcessRunner runner;
  const auto obeyed = run(runner, shell("trap 'echo bye; exit 9' TERM; sleep 100 & wait"), 200ms);
  CHECK(obeyed.timed_out);
  CHECK(obeyed.exit.code == 9);
  CHECK(obeyed.output == "bye\n");
  CHECK(obeyed.took < 2s);
  const auto stopped = run(runner, shell("kill -STOP $$; sleep 100"), 200ms);
  CHECK(stopped.timed_out);
  CHECK(stopped.exit.signal == SIGTERM);
}

TEST_CASE("a script ends with its leader, what it left in the background lives on") {
  ProcessRunner runner;
  const auto result = run(runner, shell("sleep 100 & echo $!"));
  CHECK(result.exit.code == 0);
  const pid_t left = std::stoi(result.output);
  CHECK(name_process(left));
  REQUIRE(::kill(left, SIGKILL) == 0);
}

TEST_CASE("a process of another incarnation can be watched by its name") {
  ProcessRunner runner;
  // A grandchild whose parent has gone: not our child.
  const auto parent = run(runner, shell("sleep 100 & echo $!"));
  const auto name = name_process(std::stoi(parent.output));
  REQUIRE(name);
  std::promise<ProcessExit> promise;
  REQUIRE(runner.adopt(*name, [&](ProcessExit exit) { promise.set_value(exit); }));
  REQUIRE(::kill(name->pid, SIGKILL) == 0);
  const ProcessExit exit = promise.get_future().get();
  CHECK(exit.adopted);
  CHECK(exit.code == -1);
  CHECK(exit.signal == 0);
}

TEST_CASE("another process with the same pid is not adopted and not signalled") {
  ProcessRunner runner;
  auto child = launch(runner, shell("exec sleep 100"));
  REQUIRE(child.name);
  const ProcessName stranger{child.name->pid, child.name->start_ticks + 1};
  CHECK_FALSE(is_alive(stranger));
  CHECK(runner.adopt(stranger, [](ProcessExit) {}).error().code == ErrorCode::kNotFound);
  CHECK(signal_group(stranger, SIGKILL).error().code == ErrorCode::kNotFound);
  CHECK(signal_group({}, SIGKILL).error().code == ErrorCode::kNotFound);
  CHECK(is_alive(*child.name));
  CHECK(process_state(child.name->pid) != 0);
  REQUIRE(signal_group(*child.name, SIGKILL));
  child.exit.get();
  CHECK(process_state(child.name->pid) == 0);
}

TEST_CASE("a child leads a group of its own") {
  const TemporaryFolder folder;
  ProcessRunner runner;
  const std::string pid_file = (folder / "pid").string();
  auto child = launch(runner, shell("sleep 100 & echo $! > " + pid_file + "; wait"));
  REQUIRE(child.name);
  const pid_t grandchild = wait_for_pid_in(pid_file);
  CHECK(processes_in_group(child.name->pid) ==
        std::vector<pid_t>{std::min(child.name->pid, grandchild),
                           std::max(child.name->pid, grandchild)});
  REQUIRE(signal_group(*child.name, SIGKILL));
  child.exit.get();
}

TEST_CASE("many children from many threads are each told once") {
  ProcessRunner runner;
  constexpr int kThreads = 4;
  constexpr int kEach = 25;
  std::atomic<int> sum = 0;
  std::atomic<int> ended = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kEach; ++j) {
        const auto name = runner.launch(shell("exit 2"), [&](ProcessExit exit) {
          sum += exit.code;
          ++ended;
          ended.notify_one();
        });
        if (!name) ++ended;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int seen = ended; seen < kThreads * kEach; seen = ended) ended.wait(seen);
  CHECK(sum == 2 * kThreads * kEach);
  CHECK(no_child_left());
}

TEST_CASE("a child may be launched from the end of another") {
  ProcessRunner runner;
  std::promise<int> code;
  REQUIRE(runner.launch(shell("exit 1"), [&](ProcessExit) {
    (void)runner.launch(shell("exit 5"), [&](ProcessExit exit) { code.set_value(exit.code); });
  }));
  CHECK(code.get_future().get() == 5);
}

TEST_CASE("the end of the runner kills scripts and spares what was launched") {
  const TemporaryFolder folder;
  const std::string pid_file = (folder / "pid").string();
  Result<ProcessName> spared = fail(ErrorCode::kNotFound, "");
  {
    ProcessRunner runner;
    spared = runner.launch(shell("exec sleep 100"), [](ProcessExit) {});
    runner.run(shell("echo $$ > " + pid_file + "; exec sleep 100"), 100s, [](ScriptResult) {});
    wait_for_pid_in(pid_file);
  }
  CHECK_FALSE(name_process(wait_for_pid_in(pid_file)));
  REQUIRE(spared);
  CHECK(is_alive(*spared));
  REQUIRE(signal_group(*spared, SIGKILL));
  CHECK(::waitpid(spared->pid, nullptr, 0) == spared->pid);
  CHECK(no_child_left());
}

TEST_CASE("a child gets the limit of descriptors that this process had, not the raised one") {
  rlimit before = {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit low{.rlim_cur = 256, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  const auto raised = raise_descriptor_limit(1024);
  REQUIRE(raised);
  CHECK(*raised == 1024);
  CHECK(*raise_descriptor_limit(512) == 1024);  // never lowered
  ProcessRunner runner;
  const auto result = run(runner, shell("until [ $(ulimit -Sn) = 256 ]; do :; done"));
  CHECK(result.exit.code == 0);
  CHECK_FALSE(result.timed_out);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

}  // namespace
}  // namespace panshi
