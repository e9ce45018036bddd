// SPDX-License-Identifier: Apache-2.0
#include "tests/support/managed_service.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "core/base/text.h"

namespace panshi {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

struct ManagedService::Impl {
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::chrono::milliseconds watchdog;
  std::chrono::milliseconds restart_after;
  std::string log;
  std::string name;  // of the socket, abstract
  int socket = -1;
  std::atomic<bool> ending = false;

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  std::vector<std::string> lines;
  bool ready = false;
  bool over = false;
  int starts = 0;
  pid_t pid = 0;

  std::thread thread;

  void open(const std::map<std::string, std::string>& given);
  pid_t start();
  void run();
  void take_word(Steady::time_point& heard);
  void end_silent(pid_t child) const;
};

void ManagedService::Impl::open(const std::map<std::string, std::string>& given) {
  static std::atomic<int> count = 0;
  name = cat("panshi-test-", ::getpid(), "-", count++);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    throw std::runtime_error("no notify socket");
  }
  for (const auto& [key, value] : given) environment.push_back(cat(key, "=", value));
  environment.push_back(cat("NOTIFY_SOCKET=@", name));
  environment.push_back(cat("WATCHDOG_USEC=", std::chrono::microseconds(watchdog).count()));
}

pid_t ManagedService::Impl::start() {
  std::vector<char*> words;
  std::vector<char*> variables;
  for (std::string& word : argv) words.push_back(word.data());
  for (std::string& each : environment) variables.push_back(each.data());
  words.push_back(nullptr);
  variables.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int input = ::open("/dev/null", O_RDONLY);
    ::dup2(input, 0);
    ::dup2(output, 1);
    ::dup2(output, 2);
    ::syscall(SYS_close_range, 3U, ~0U, 0U);
    ::execve(words[0], words.data(), variables.data());
    ::_exit(127);
  }
  return child;
}

void ManagedService::Impl::take_word(Steady::time_point& heard) {
  std::array<char, 4096> text{};
  const ssize_t got = ::recv(socket, text.data(), text.size(), 0);
  if (got <= 0) return;
  heard = Steady::now();
  const std::lock_guard lock(mutex);
  for (std::string& line : split(std::string(text.data(), static_cast<std::size_t>(got)), '\n')) {
    if (line == "READY=1") ready = true;
    if (!line.empty() && lines.size() < 10'000) lines.push_back(std::move(line));
  }
  changed.notify_all();
}

void ManagedService::Impl::end_silent(pid_t child) const {
  ::kill(child, SIGABRT);
  ::kill(child, SIGCONT);
  for (int looks = 0; looks < 100; ++looks) {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return;
    if (info.si_pid == child) return;
    std::this_thread::sleep_for(10ms);
  }
  ::kill(child, SIGKILL);
}

void ManagedService::Impl::run() {
  while (!ending) {
    const pid_t child = start();
    {
      const std::lock_guard lock(mutex);
      pid = child;
      ready = false;
      ++starts;
    }
    auto heard = Steady::now();
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
      pollfd word{.fd = socket, .events = POLLIN, .revents = 0};
      if (::poll(&word, 1, 5) > 0) take_word(heard);
      const bool watched = [&] {
        const std::lock_guard lock(mutex);
        return ready;
      }();
      if (ending) {
        ::kill(child, SIGTERM);
        if (Steady::now() - heard > 10s) ::kill(child, SIGKILL);
      } else if (watched && Steady::now() - heard > watchdog) {
        end_silent(child);
        heard = Steady::now();
      }
    }
    auto unused = Steady::now();
    take_word(unused);
    const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    {
      const std::lock_guard lock(mutex);
      pid = 0;
      over = well;
    }
    changed.notify_all();
    if (well) return;
    const auto again = Steady::now() + restart_after;
    while (!ending && Steady::now() < again) std::this_thread::sleep_for(5ms);
  }
}

ManagedService::ManagedService(std::vector<std::string> argv,
                               std::map<std::string, std::string> environment,
                               std::chrono::milliseconds watchdog,
                               std::chrono::milliseconds restart_after, std::filesystem::path log)
    : impl_(std::make_unique<Impl>()) {
  impl_->argv = std::move(argv);
  impl_->watchdog = watchdog;
  impl_->restart_after = restart_after;
  impl_->log = log.string();
  impl_->open(environment);
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

ManagedService::~ManagedService() {
  impl_->ending = true;
  impl_->thread.join();
  ::close(impl_->socket);
}

bool ManagedService::is_ready() const {
  std::unique_lock lock(impl_->mutex);
  return impl_->changed.wait_for(lock, 20s, [this] { return impl_->ready; });
}

bool ManagedService::is_over() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->over;
}

int ManagedService::starts() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->starts;
}

pid_t ManagedService::pid() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->pid;
}

bool ManagedService::said(const std::string& line) const {
  const std::lock_guard lock(impl_->mutex);
  return std::find(impl_->lines.begin(), impl_->lines.end(), line) != impl_->lines.end();
}

}  // namespace panshi
