// SPDX-License-Identifier: Apache-2.0
#include "core/io/signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>

#include "core/base/check.h"

namespace panshi {
namespace {

constexpr int kSecondSignalStatus = 130;

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

void end_at_once(int) { _exit(kSecondSignalStatus); }

// From here on a signal is delivered to this thread, even while `stop` runs on it and hangs.
void let_the_next_signal_end_us() {
  struct sigaction action = {};
  action.sa_handler = end_at_once;
  CHECK_BUG(sigaction(SIGTERM, &action, nullptr) == 0);
  CHECK_BUG(sigaction(SIGINT, &action, nullptr) == 0);
  const sigset_t set = stop_signals();
  CHECK_BUG(pthread_sigmask(SIG_UNBLOCK, &set, nullptr) == 0);
}

}  // namespace

void prepare_signals() {
  const sigset_t set = stop_signals();
  CHECK_BUG(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  CHECK_BUG(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

struct StopSignal::Impl {
  explicit Impl(std::function<void(int)> stop_function) : stop(std::move(stop_function)) {
    const sigset_t set = stop_signals();
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    quit = eventfd(0, EFD_CLOEXEC);
    CHECK_BUG(signals >= 0 && quit >= 0);
    thread = std::thread([this] { wait(); });
  }
  ~Impl() {
    const std::uint64_t one = 1;
    CHECK_BUG(write(quit, &one, sizeof one) == sizeof one);
    thread.join();
    close(signals);
    close(quit);
  }

  void wait() {
    pthread_setname_np(pthread_self(), "signals");
    if (const int signal = first_signal(); signal != 0) {
      let_the_next_signal_end_us();
      stop(signal);
      wait_for_quit();
    }
  }

  // 0 when the owner went first.
  int first_signal() const {
    std::array<pollfd, 2> sources = {{{signals, POLLIN, 0}, {quit, POLLIN, 0}}};
    while (true) {
      if (poll(sources.data(), sources.size(), -1) < 0) continue;  // EINTR
      if (sources[1].revents != 0) return 0;
      signalfd_siginfo info = {};
      if (read(signals, &info, sizeof info) == sizeof info) return static_cast<int>(info.ssi_signo);
    }
  }

  void wait_for_quit() const {
    pollfd source = {quit, POLLIN, 0};
    while (poll(&source, 1, -1) < 0) {
    }
  }

  std::function<void(int)> stop;
  int signals = -1;
  int quit = -1;
  std::thread thread;
};

StopSignal::StopSignal(std::function<void(int signal)> stop)
    : impl_(std::make_unique<Impl>(std::move(stop))) {}
StopSignal::~StopSignal() = default;

}  // namespace panshi
