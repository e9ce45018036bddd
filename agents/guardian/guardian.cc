// SPDX-License-Identifier: Apache-2.0
// Between fork and exec only async-signal-safe calls are made, on memory prepared before: a new
// guardian is forked while the agent's other threads run.
#include "agents/guardian/guardian.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <mutex>
#include <new>
#include <thread>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/private_folder.h"
#include "core/io/process.h"

extern char** environ;

namespace panshi::agent {
namespace {

constexpr const char* kSelf = "/proc/self/exe";
constexpr std::string_view kCountKey = "PANSHI_REVIVALS=";  // seconds since boot, one each
constexpr char kGoodbye = 'g';
constexpr char kLook = 'l';  // the page has changed, or: are you there?
constexpr auto kBeforeNext = std::chrono::milliseconds(100);  // after a guardian died
constexpr std::uint64_t kMissedMax = 2;  // questions without an answer: it is frozen
constexpr int kPollMaxMs = 60'000;
// The first look that finds the agent late may be the first after guardian and agent were frozen
// together (a paused virtual machine): then the agent has this time to move.
constexpr std::int64_t kSecondLookUs = 250'000;
constexpr int kPipe = 3;                          // the guardian's descriptors
constexpr int kAgent = 4;                         // a pidfd
constexpr int kAboveBoth = 5;                     // and all from here are closed
constexpr const char* kName = "panshi-guardian";  // 15 characters: all that the kernel keeps
constexpr std::string_view kWhyKey = "PANSHI_PREDECESSOR=";
constexpr std::size_t kCountTextMax = 512;

std::int64_t seconds_since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec;
}

std::int64_t mono_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1'000;
}

// What agent and guardian both see.
struct Page {
  std::atomic<std::int64_t> moves_by;   // MonoTime in us
  std::atomic<std::uint64_t> asked;     // by the watcher
  std::atomic<std::uint64_t> answered;  // by the guardian, the newest question it saw
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

// Everything that the guardian will need when the agent has died.
struct Will {
  std::array<std::vector<std::string>, 4> texts;  // own what the pointers below point at
  std::vector<char*> revive;                      // argv, ending in null
  std::vector<char*> revive_frozen;
  std::vector<char*> revert;
  std::vector<char*> environment;  // with `count` and `why`
  std::array<char, kCountTextMax> count{};
  std::array<char, 32> why{};  // of the agent's end: died | frozen
  Page* page = nullptr;
  std::int64_t grace_us = 0;
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

void say_why(Will& will, std::string_view word) {
  char* out = std::copy(kWhyKey.begin(), kWhyKey.end(), will.why.data());
  *std::copy(word.begin(), word.end(), out) = '\0';
}

// How long to wait for the pipe, in ms: until the agent is late; -1 when it cannot be. Kills an
// agent that was late in two looks.
int wait_or_kill(Will& will, std::int64_t& second_look_at, bool& killed) {
  const std::int64_t by = will.page->moves_by;
  if (killed || by == kMovesNever.time_since_epoch().count()) return -1;
  const std::int64_t now = mono_us();
  std::int64_t wake_at = by + will.grace_us;
  if (now >= wake_at) {
    if (second_look_at < wake_at) second_look_at = now + kSecondLookUs;
    wake_at = second_look_at;
    if (now >= wake_at) {
      ::syscall(SYS_pidfd_send_signal, kAgent, SIGKILL, nullptr, 0U);
      killed = true;
      say_why(will, "was frozen");
      return -1;
    }
  }
  return static_cast<int>(std::min<std::int64_t>((wake_at - now) / 1'000 + 1, kPollMaxMs));
}

// Until the agent has died, or was killed: then true. Ends the process when the agent says goodbye.
bool await_death(Will& will) {
  std::int64_t second_look_at = 0;
  bool killed = false;
  for (;;) {
    pollfd pipe{.fd = kPipe, .events = POLLIN, .revents = 0};
    if (::poll(&pipe, 1, wait_or_kill(will, second_look_at, killed)) <= 0) continue;
    char byte = 0;
    const ssize_t got = ::read(kPipe, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) return killed;
    if (got < 0 || byte == kGoodbye) ::_exit(0);
    will.page->answered = will.page->asked.load();
  }
}

// The guardian's whole life. Never returns.
[[noreturn]] void guard(Will& will, int pipe, int agent) {
  ::setsid();
  ::prctl(PR_SET_NAME, kName);
  ignore_signals(SIG_IGN);
  ::sigprocmask(SIG_SETMASK, &will.mask, nullptr);
  const int pipe_above = ::fcntl(pipe, F_DUPFD, kAboveBoth);
  const int agent_above = ::fcntl(agent, F_DUPFD, kAboveBoth);
  ::dup2(pipe_above, kPipe);
  ::dup2(agent_above, kAgent);
  // The agent's, the pipe's write end among them.
  ::syscall(SYS_close_range, static_cast<unsigned>(kAboveBoth), ~0U, 0U);
  say_why(will, "died");
  const bool frozen = await_death(will);
  const bool too_often = count_revival(will);
  ignore_signals(SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &will.mask, nullptr);
  ::close(kPipe);
  ::close(kAgent);
  ::umask(started_umask());
  auto& revive = frozen ? will.revive_frozen : will.revive;
  ::execve(kSelf, too_often ? will.revert.data() : revive.data(), will.environment.data());
  ::_exit(127);
}

// Ends the guardian that `file` names, if it still is one.
void end_recorded(const std::filesystem::path& file) {
  ProcessName old;
  std::ifstream(file) >> old.pid >> old.start_ticks;
  if (old.pid <= 0 || old.pid == ::getpid()) return;  // it became us
  if (read_file(cat("/proc/", old.pid, "/comm")).value_or("") != cat(kName, "\n")) return;
  [[maybe_unused]] const Status ended = signal_process(old, SIGKILL);  // or it is gone by itself
}

}  // namespace

struct Guardian::Impl {
  Will will;
  std::mutex mutex;    // for write_end and pid_fd
  int write_end = -1;  // of the present guardian's pipe; never blocks
  int pid_fd = -1;
  int self_fd = -1;  // a pidfd of the agent, for guardians
  std::atomic<pid_t> pid = -1;
  int ask_every_ms = 0;
  int stop = -1;  // eventfd: the watcher is to end
  std::thread watcher;
  std::filesystem::path record;  // "": none

  Status prepare(const Options& options);
  Status fork_one();
  Status write_record() const;
  void look() const;  // with `mutex`: the guardian is to read the page
  void ask();
  void watch(const std::function<void(pid_t)>& restarted);
  bool stopped_within(int wait_ms) const;
};

Status Guardian::Impl::prepare(const Options& options) {
  void* shared =
      ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  self_fd = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0U));
  if (shared == MAP_FAILED || self_fd < 0) {
    return fail(ErrorCode::kInternal, cat("guardian: ", std::string(std::strerror(errno))));
  }
  will.page = new (shared) Page{kMovesNever.time_since_epoch().count(), 0, 0};
  will.grace_us = options.grace.count();
  ask_every_ms = static_cast<int>(options.ask_every / std::chrono::milliseconds(1));
  will.texts = {
      argv_of(options.revive), argv_of(options.revive_frozen), argv_of(options.revert), {}};
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view text = *each;
    if (!text.starts_with(kCountKey) && !text.starts_with(kWhyKey)) {
      will.texts[3].emplace_back(text);
    }
  }
  will.revive = pointers(will.texts[0]);
  will.revive_frozen = pointers(will.texts[1]);
  will.revert = pointers(will.texts[2]);
  will.environment = pointers(will.texts[3]);
  will.environment.insert(will.environment.end() - 1, {will.count.data(), will.why.data()});
  will.revivals = read_revivals();
  will.revivals_max = options.revivals_max;
  will.within_s = options.revivals_within.count();
  ::pthread_sigmask(SIG_SETMASK, nullptr, &will.mask);
  return {};
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
  if (child == 0) guard(will, pipe[0], self_fd);
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
  ::fcntl(write_end, F_SETFL, O_NONBLOCK);  // a frozen guardian's pipe fills up
  will.page->answered = will.page->asked.load();
  pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, child, 0U));
  pid = child;
  if (pid_fd >= 0) return {};
  return fail(ErrorCode::kInternal, cat("guardian: pidfd: ", std::string(std::strerror(errno))));
}

Status Guardian::Impl::write_record() const {
  if (record.empty()) return {};
  const auto name = name_process(pid);
  if (!name) return tl::unexpected<Error>(name.error());
  return write_file_durably(record, cat(name->pid, " ", name->start_ticks, "\n"), 0600);
}

void Guardian::Impl::look() const {
  [[maybe_unused]] const ssize_t told = ::write(write_end, &kLook, 1);
}

// Kills a guardian that does not answer: a frozen one guards nobody.
void Guardian::Impl::ask() {
  const std::lock_guard lock(mutex);
  if (will.page->asked - will.page->answered >= kMissedMax) ::kill(pid, SIGKILL);
  ++will.page->asked;
  look();
}

bool Guardian::Impl::stopped_within(int wait_ms) const {
  pollfd told{.fd = stop, .events = POLLIN, .revents = 0};
  return ::poll(&told, 1, wait_ms) > 0;
}

void Guardian::Impl::watch(const std::function<void(pid_t)>& restarted) {
  for (;;) {
    std::array<pollfd, 2> fds{pollfd{.fd = pid_fd, .events = POLLIN, .revents = 0},
                              pollfd{.fd = stop, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(fds.data(), fds.size(), ask_every_ms);
    if (ready == 0) ask();
    if (ready <= 0) continue;  // EINTR
    if (fds[1].revents != 0) return;
    ::waitpid(pid, nullptr, 0);
    // Until it works: without a guardian a crash of the agent would leave its faults in force.
    do {
      if (stopped_within(static_cast<int>(kBeforeNext.count()))) return;
    } while (!fork_one());
    // A full disk is no reason to be without a guardian.
    [[maybe_unused]] const Status recorded = write_record();
    restarted(pid);
  }
}

Result<std::unique_ptr<Guardian>> Guardian::start(Options options) {
  ::prctl(PR_SET_NAME, "panshi-agent");  // a revived one would be called "exe" by ps and fsck
  auto impl = std::make_unique<Impl>();
  if (auto prepared = impl->prepare(options); !prepared) {
    return tl::unexpected<Error>(prepared.error());
  }
  impl->stop = ::eventfd(0, EFD_CLOEXEC);
  if (auto forked = impl->fork_one(); !forked) return tl::unexpected<Error>(forked.error());
  return std::unique_ptr<Guardian>(new Guardian(std::move(impl)));
}

Guardian::Guardian(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Status Guardian::take_over(const std::filesystem::path& file) {
  end_recorded(file);
  impl_->record = file;
  return impl_->write_record();
}

void Guardian::watch(std::function<void(pid_t)> restarted) {
  impl_->watcher = std::thread([impl = impl_.get(), told = std::move(restarted)] {
    ::pthread_setname_np(::pthread_self(), "guardian");
    impl->watch(told);
  });
}

void Guardian::unwatch() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(impl_->stop, &one, sizeof one);
  if (impl_->watcher.joinable()) impl_->watcher.join();
}

void Guardian::moving(MonoTime by) {
  const std::int64_t next = by.time_since_epoch().count();
  const std::int64_t before = impl_->will.page->moves_by.exchange(next);
  if (next >= before) return;  // it will look by itself, early enough
  const std::lock_guard lock(impl_->mutex);
  impl_->look();
}

pid_t Guardian::pid() const { return impl_->pid; }

Guardian::~Guardian() {
  unwatch();
  moving(kMovesNever);
  // If it is dead already this fails with EPIPE, as SIGPIPE is ignored in the agent.
  [[maybe_unused]] const ssize_t said = ::write(impl_->write_end, &kGoodbye, 1);
  ::close(impl_->write_end);
  pollfd ended{.fd = impl_->pid_fd, .events = POLLIN, .revents = 0};
  if (::poll(&ended, 1, 1000) <= 0) ::kill(impl_->pid, SIGKILL);  // frozen: it must not revive us
  ::waitpid(impl_->pid, nullptr, 0);
  ::close(impl_->pid_fd);
  ::close(impl_->stop);
  ::close(impl_->self_fd);
  ::munmap(impl_->will.page, sizeof(Page));
}

}  // namespace panshi::agent
