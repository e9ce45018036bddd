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

bool hangup_stops = false;  // set before any thread exists

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (hangup_stops) sigaddset(&set, SIGHUP);
  return set;
}

sigset_t reload_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  return set;
}

// Blocked signals one after the other, until the owner goes.
class Reader {
 public:
  explicit Reader(sigset_t set)
      : signals_(::signalfd(-1, &set, SFD_CLOEXEC)), quit_(::eventfd(0, EFD_CLOEXEC)) {
    CHECK_BUG(signals_ >= 0 && quit_ >= 0);
  }
  ~Reader() {
    ::close(signals_);
    ::close(quit_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void quit() const {
    const std::uint64_t one = 1;
    CHECK_BUG(::write(quit_, &one, sizeof one) == sizeof one);
  }
  // 0 when the owner went first.
  int next() const {
    std::array<pollfd, 2> sources = {{{signals_, POLLIN, 0}, {quit_, POLLIN, 0}}};
    while (true) {
      if (::poll(sources.data(), sources.size(), -1) < 0) continue;  // EINTR
      if (sources[1].revents != 0) return 0;
      signalfd_siginfo info = {};
      if (::read(signals_, &info, sizeof info) == sizeof info)
        return static_cast<int>(info.ssi_signo);
    }
  }
  void wait_for_quit() const {
    pollfd source = {quit_, POLLIN, 0};
    while (::poll(&source, 1, -1) < 0) {
    }
  }

 private:
  const int signals_;
  const int quit_;
};

void end_at_once(int) { _exit(kSecondSignalStatus); }

// From here on a signal is delivered to this thread, even while `stop` runs on it and hangs.
void let_the_next_signal_end_us() {
  struct sigaction action = {};
  action.sa_handler = end_at_once;
  CHECK_BUG(sigaction(SIGTERM, &action, nullptr) == 0);
  CHECK_BUG(sigaction(SIGINT, &action, nullptr) == 0);
  const sigset_t set = stop_signals();
  CHECK_BUG(::pthread_sigmask(SIG_UNBLOCK, &set, nullptr) == 0);
}

}  // namespace

void prepare_signals(bool hangup) {
  hangup_stops = hangup;
  const sigset_t set = stop_signals();
  CHECK_BUG(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  CHECK_BUG(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

struct StopSignal::Impl {
  Impl(std::function<void(int)> stop_function, std::function<void(int)> again_function)
      : stop(std::move(stop_function)), again(std::move(again_function)) {
    thread = std::thread([this] { wait(); });
  }
  ~Impl() {
    reader.quit();
    thread.join();
    // Whoever ends us still waits for other threads, perhaps in vain.
    if (stopped && !again) let_the_next_signal_end_us();
  }

  void wait() {
    pthread_setname_np(pthread_self(), "signals");
    const int signal = reader.next();
    if (signal == 0) return;
    stopped = true;
    if (!again) let_the_next_signal_end_us();
    stop(signal);
    if (!again) return reader.wait_for_quit();
    while (const int later = reader.next()) again(later);
  }

  const std::function<void(int)> stop;
  const std::function<void(int)> again;
  const Reader reader{stop_signals()};
  bool stopped = false;  // of `thread`, until it has ended
  std::thread thread;
};

StopSignal::StopSignal(std::function<void(int signal)> stop, std::function<void(int signal)> again)
    : impl_(std::make_unique<Impl>(std::move(stop), std::move(again))) {}
StopSignal::~StopSignal() = default;

void prepare_reload_signal() {
  const sigset_t set = reload_signals();
  CHECK_BUG(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
}

struct ReloadSignal::Impl {
  explicit Impl(std::function<void()> reload_function) : reload(std::move(reload_function)) {
    thread = std::thread([this] {
      pthread_setname_np(pthread_self(), "reload");
      while (reader.next() != 0) reload();
    });
  }
  ~Impl() {
    reader.quit();
    thread.join();
  }

  const std::function<void()> reload;
  const Reader reader{reload_signals()};
  std::thread thread;
};

ReloadSignal::ReloadSignal(std::function<void()> reload)
    : impl_(std::make_unique<Impl>(std::move(reload))) {}
ReloadSignal::~ReloadSignal() = default;

}  // namespace panshi
