// SPDX-License-Identifier: Apache-2.0
// Between fork and exec only async-signal-safe calls are made, on memory prepared before: a new
// guardian is forked while the agent's other threads run.
#include "agents/guardian/guardian.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>

#include "core/base/text.h"

extern char** environ;

namespace panshi::agent {
namespace {

constexpr const char* kSelf = "/proc/self/exe";
constexpr std::string_view kCountKey = "PANSHI_REVIVALS=";  // seconds since boot, one each
constexpr char kGoodbye = 'g';
constexpr auto kBeforeNext = std::chrono::milliseconds(100);  // after a guardian died
constexpr std::size_t kCountTextMax = 512;

std::int64_t seconds_since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec;
}

// Everything that the guardian will need when the agent has died.
struct Will {
  std::array<std::vector<std::string>, 3> texts;  // own what the pointers below point at
  std::vector<char*> revive;                      // argv, ending in null
  std::vector<char*> revert;
  std::vector<char*> environment;  // with `count`
  std::array<char, kCountTextMax> count{};
  std::vector<std::int64_t> revivals;  // lately, in this and earlier lives
  int revivals_max = 0;
  std::int64_t within_s = 0;
  sigset_t mask{};
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> argv_of(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {"panshi-agent"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

std::vector<std::int64_t> read_revivals() {
  std::vector<std::int64_t> times;
  const char* text = std::getenv("PANSHI_REVIVALS");
  if (text == nullptr) return times;
  for (const std::string& each : split(text, ',')) {
    times.push_back(std::strtoll(each.c_str(), nullptr, 10));
  }
  return times;
}

// Appends without the C library's formatting, which may take locks.
void append_number(char*& out, const char* end, std::int64_t value) {
  std::array<char, 20> digits{};
  std::size_t count = 0;
  do digits[count++] = static_cast<char>('0' + value % 10);
  while ((value /= 10) > 0 && count < digits.size());
  while (count > 0 && out < end) *out++ = digits[--count];
}

// Fills will.count; true when there were too many lately.
bool count_revival(Will& will) {
  const std::int64_t now = seconds_since_boot();
  char* out = std::copy(kCountKey.begin(), kCountKey.end(), will.count.data());
  const char* const end = will.count.data() + will.count.size() - 1;
  int lately = 0;
  for (const std::int64_t time : will.revivals) {
    if (time <= now - will.within_s || end - out < 24) continue;
    ++lately;
    append_number(out, end, time);
    *out++ = ',';
  }
  append_number(out, end, now);
  *out = '\0';
  return lately >= will.revivals_max;
}

void ignore_signals(void (*handler)(int)) {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2}) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(number, &action, nullptr);
  }
}

// The guardian's whole life. Never returns.
[[noreturn]] void guard(Will& will, int pipe) {
  ::setsid();
  ::prctl(PR_SET_NAME, "panshi-guardian");
  ignore_signals(SIG_IGN);
  ::sigprocmask(SIG_SETMASK, &will.mask, nullptr);
  if (pipe != 3) ::dup2(pipe, 3);
  ::syscall(SYS_close_range, 4U, ~0U, 0U);  // the agent's, the pipe's write end among them
  for (;;) {
    char byte = 0;
    const ssize_t got = ::read(3, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got != 0) ::_exit(0);
    break;
  }
  const bool too_often = count_revival(will);
  ignore_signals(SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &will.mask, nullptr);
  ::close(3);
  ::execve(kSelf, too_often ? will.revert.data() : will.revive.data(), will.environment.data());
  ::_exit(127);
}

}  // namespace

struct Guardian::Impl {
  Will will;
  std::mutex mutex;    // for write_end and pid_fd
  int write_end = -1;  // of the present guardian's pipe
  int pid_fd = -1;
  std::atomic<pid_t> pid = -1;
  int stop = -1;  // eventfd: the watcher is to end
  std::thread watcher;

  void prepare(const Options& options);
  Status fork_one();
  void watch(const std::function<void(pid_t)>& restarted);
  bool stopped_within(int wait_ms) const;
};

void Guardian::Impl::prepare(const Options& options) {
  will.texts = {argv_of(options.revive), argv_of(options.revert), {}};
  for (char** each = environ; *each != nullptr; ++each) {
    if (!std::string_view(*each).starts_with(kCountKey)) will.texts[2].emplace_back(*each);
  }
  will.revive = pointers(will.texts[0]);
  will.revert = pointers(will.texts[1]);
  will.environment = pointers(will.texts[2]);
  will.environment.insert(will.environment.end() - 1, will.count.data());
  will.revivals = read_revivals();
  will.revivals_max = options.revivals_max;
  will.within_s = options.revivals_within.count();
  ::pthread_sigmask(SIG_SETMASK, nullptr, &will.mask);
}

Status Guardian::Impl::fork_one() {
  const std::lock_guard lock(mutex);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return fail(ErrorCode::kInternal, cat("guardian: pipe: ", std::string(std::strerror(errno))));
  }
  // All blocked until the child ignores them: one that came before would end it.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = ::fork();
  if (child == 0) guard(will, pipe[0]);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(pipe[0]);
  if (child < 0) {
    ::close(pipe[1]);
    return fail(ErrorCode::kInternal, cat("guardian: fork: ", std::string(std::strerror(errno))));
  }
  for (const int old : {write_end, pid_fd}) {
    if (old >= 0) ::close(old);
  }
  write_end = pipe[1];
  pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, child, 0U));
  pid = child;
  if (pid_fd >= 0) return {};
  return fail(ErrorCode::kInternal, cat("guardian: pidfd: ", std::string(std::strerror(errno))));
}

bool Guardian::Impl::stopped_within(int wait_ms) const {
  pollfd told{.fd = stop, .events = POLLIN, .revents = 0};
  return ::poll(&told, 1, wait_ms) > 0;
}

void Guardian::Impl::watch(const std::function<void(pid_t)>& restarted) {
  for (;;) {
    std::array<pollfd, 2> fds{pollfd{.fd = pid_fd, .events = POLLIN, .revents = 0},
                              pollfd{.fd = stop, .events = POLLIN, .revents = 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;  // EINTR
    if (fds[1].revents != 0) return;
    ::waitpid(pid, nullptr, 0);
    // Until it works: without a guardian a crash of the agent would leave its faults in force.
    do {
      if (stopped_within(static_cast<int>(kBeforeNext.count()))) return;
    } while (!fork_one());
    restarted(pid);
  }
}

Result<std::unique_ptr<Guardian>> Guardian::start(Options options) {
  ::prctl(PR_SET_NAME, "panshi-agent");  // a revived one would be called "exe" by ps and fsck
  auto impl = std::make_unique<Impl>();
  impl->prepare(options);
  impl->stop = ::eventfd(0, EFD_CLOEXEC);
  if (auto forked = impl->fork_one(); !forked) return tl::unexpected<Error>(forked.error());
  return std::unique_ptr<Guardian>(new Guardian(std::move(impl)));
}

Guardian::Guardian(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

void Guardian::watch(std::function<void(pid_t)> restarted) {
  impl_->watcher = std::thread([impl = impl_.get(), told = std::move(restarted)] {
    ::pthread_setname_np(::pthread_self(), "guardian");
    impl->watch(told);
  });
}

pid_t Guardian::pid() const { return impl_->pid; }

Guardian::~Guardian() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(impl_->stop, &one, sizeof one);
  if (impl_->watcher.joinable()) impl_->watcher.join();
  // If it is dead already this fails with EPIPE, as SIGPIPE is ignored in the agent.
  [[maybe_unused]] const ssize_t said = ::write(impl_->write_end, &kGoodbye, 1);
  ::close(impl_->write_end);
  pollfd ended{.fd = impl_->pid_fd, .events = POLLIN, .revents = 0};
  if (::poll(&ended, 1, 1000) <= 0) ::kill(impl_->pid, SIGKILL);  // frozen: it must not revive us
  ::waitpid(impl_->pid, nullptr, 0);
  ::close(impl_->pid_fd);
  ::close(impl_->stop);
}

}  // namespace panshi::agent
