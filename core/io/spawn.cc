// SPDX-License-Identifier: Apache-2.0
#include "core/io/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/descriptor_limit.h"
#include "core/io/private_folder.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;

constexpr int kFirstOther = 3;  // after stdin, stdout and stderr

struct Actions {
  posix_spawn_file_actions_t list;
  Actions() { CHECK_BUG(posix_spawn_file_actions_init(&list) == 0); }
  ~Actions() { posix_spawn_file_actions_destroy(&list); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
};

struct Attributes {
  posix_spawnattr_t list;
  // A session and so a group of its own, no signal blocked, all at their defaults: our own threads
  // block SIGTERM and ignore SIGPIPE, and exec would hand both on. Only a group would not do: when
  // we die while a member is stopped, the kernel sends SIGHUP to a group that we orphan in our
  // session, which ends what was only frozen.
  Attributes() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    CHECK_BUG(posix_spawnattr_init(&list) == 0);
    CHECK_BUG(posix_spawnattr_setflags(
                  &list, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0);
    CHECK_BUG(posix_spawnattr_setsigmask(&list, &none) == 0);
    CHECK_BUG(posix_spawnattr_setsigdefault(&list, &all) == 0);
  }
  ~Attributes() { posix_spawnattr_destroy(&list); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
};

Status check_text(const ProcessSpec& spec) {
  const auto bad = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  bool fine = !spec.argv.empty() && !spec.argv.front().empty();
  for (const std::string& argument : spec.argv) fine = fine && !bad(argument);
  for (const auto& [name, value] : spec.env) {
    fine =
        fine && !bad(name) && !bad(value) && !name.empty() && name.find('=') == std::string::npos;
  }
  if (fine) return {};
  return fail(ErrorCode::kInvalid, "run: an empty program, a zero byte or a bad variable name");
}

Status check_program(const fs::path& program) {
  std::error_code error;
  const fs::file_status status = fs::status(program, error);
  if (!fs::exists(status))
    return fail(ErrorCode::kNotFound, cat(program.string(), ": no such file"));
  if (!fs::is_regular_file(status) || ::access(program.c_str(), X_OK) != 0) {
    return fail(ErrorCode::kRefused, cat(program.string(), ": not an executable file"));
  }
  return {};
}

std::string search_path(const ProcessSpec& spec) {
  if (const auto own = spec.env.find("PATH"); own != spec.env.end()) return own->second;
  const char* const ours = std::getenv("PATH");
  return ours != nullptr ? ours : "/usr/bin:/bin";
}

Result<fs::path> find_program(const ProcessSpec& spec) {
  const std::string& name = spec.argv.front();
  if (name.find('/') != std::string::npos) {
    const fs::path program = spec.directory / name;  // an absolute name stays as it is
    if (auto fine = check_program(program); !fine) return tl::unexpected<Error>(fine.error());
    return program;
  }
  Error nearest_miss{ErrorCode::kNotFound, cat(name, ": not found in ", search_path(spec))};
  for (const std::string& folder : split(search_path(spec), ':')) {
    if (folder.empty()) continue;  // "here" in shells, and never meant
    auto fine = check_program(fs::path(folder) / name);
    if (fine) return fs::path(folder) / name;
    if (fine.error().code == ErrorCode::kRefused) nearest_miss = fine.error();
  }
  return tl::unexpected<Error>(std::move(nearest_miss));
}

Result<Handle> open_log_file(const fs::path& file) {
  const char* const path = file.empty() ? "/dev/null" : file.c_str();
  const Handle opened(::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  // Above the standard three even when ours are closed: the actions below overwrite those.
  Handle handle(::fcntl(opened.get(), F_DUPFD_CLOEXEC, kFirstOther));
  if (handle.get() < 0) {
    return fail(ErrorCode::kInternal, cat("open ", path, ": ", std::strerror(errno)));
  }
  return handle;
}

void set_actions(Actions& actions, const ProcessSpec& spec, int output) {
  auto* const list = &actions.list;
  if (spec.input >= 0) {
    CHECK_BUG(posix_spawn_file_actions_adddup2(list, spec.input, 0) == 0);
  } else {
    CHECK_BUG(posix_spawn_file_actions_addopen(list, 0, "/dev/null", O_RDONLY, 0) == 0);
  }
  CHECK_BUG(posix_spawn_file_actions_adddup2(list, output, 1) == 0);
  CHECK_BUG(posix_spawn_file_actions_adddup2(list, output, 2) == 0);
  CHECK_BUG(posix_spawn_file_actions_addclosefrom_np(list, kFirstOther) == 0);
  if (!spec.directory.empty()) {
    CHECK_BUG(posix_spawn_file_actions_addchdir_np(list, spec.directory.c_str()) == 0);
  }
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

ErrorCode code_of(int number) {
  switch (number) {
    case ENOENT:
      return ErrorCode::kNotFound;  // also the script's interpreter
    case EACCES:
    case EPERM:
    case ENOEXEC:
      return ErrorCode::kRefused;
    default:
      return ErrorCode::kInternal;
  }
}

// What posix_spawn cannot do: another user. In the child of a fork, so nothing but calls of the
// kernel; returns its errno. The C library's own calls for users are for processes with threads.
int become(const RunAs& as) {
  if (::syscall(SYS_setgroups, as.groups.size(), as.groups.data()) != 0 ||
      ::syscall(SYS_setresgid, as.group, as.group, as.group) != 0 ||
      ::syscall(SYS_setresuid, as.user, as.user, as.user) != 0) {
    return errno;
  }
  return 0;
}

struct Start {
  const ProcessSpec& spec;
  const char* program;
  int output;
  char* const* argv;
  char* const* env;
};

// As set_actions() and Attributes have it. `told`: where errno goes when there is no program.
[[noreturn]] void run_child(const Start& start, int told) {
  int wrong = 0;
  const auto must = [&wrong](bool done) {
    if (!done && wrong == 0) wrong = errno;
  };
  must(::setsid() >= 0);
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) (void)::sigaction(number, &usual, nullptr);
  sigset_t none;
  sigemptyset(&none);
  must(::sigprocmask(SIG_SETMASK, &none, nullptr) == 0);
  const int input = start.spec.input >= 0 ? start.spec.input : ::open("/dev/null", O_RDONLY);
  must(::dup2(input, 0) >= 0 && ::dup2(start.output, 1) >= 0 && ::dup2(start.output, 2) >= 0);
  must(::syscall(SYS_close_range, kFirstOther, ~0U, CLOSE_RANGE_CLOEXEC) == 0);
  if (!start.spec.directory.empty()) must(::chdir(start.spec.directory.c_str()) == 0);
  if (wrong == 0) wrong = become(*start.spec.as);
  if (wrong == 0) {
    ::execve(start.program, start.argv, start.env);
    wrong = errno;
  }
  (void)!::write(told, &wrong, sizeof wrong);
  ::_exit(127);
}

// 0, or errno. All signals are blocked until the child has its own handlers.
int start_as(const Start& start, pid_t& pid) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
  const Handle read_end(ends[0]);
  // Above the standard three, which the child overwrites.
  Handle told(::fcntl(ends[1], F_DUPFD_CLOEXEC, kFirstOther));
  ::close(ends[1]);
  if (told.get() < 0) return EMFILE;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid = ::fork();
  if (pid == 0) run_child(start, told.get());
  const int failed = pid < 0 ? errno : 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failed != 0) return failed;
  told = Handle();
  int why = 0;
  ssize_t got = 0;
  do got = ::read(read_end.get(), &why, sizeof why);
  while (got < 0 && errno == EINTR);
  if (got != sizeof why) return 0;  // the end that exec made
  ::waitpid(pid, nullptr, 0);
  return why;
}

}  // namespace

Handle::~Handle() {
  if (fd_ >= 0) ::close(fd_);
}

void set_user(ProcessSpec& spec, const std::optional<RunAs>& as) {
  if (!as) return;
  spec.as = as;
  spec.directory = "/";
  spec.env["HOME"] = as->home.string();
  spec.env["USER"] = spec.env["LOGNAME"] = as->name;
}

Result<Handle> open_pidfd(pid_t pid) {
  // Close-on-exec by itself. Not every libc of our platforms has a wrapper.
  Handle handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (handle.get() < 0) {
    return fail(errno == ESRCH ? ErrorCode::kNotFound : ErrorCode::kInternal,
                cat("watch process ", pid, ": ", std::strerror(errno)));
  }
  return handle;
}

Result<SpawnedProcess> spawn(const ProcessSpec& spec, int output) {
  if (auto fine = check_text(spec); !fine) return tl::unexpected<Error>(fine.error());
  if (!spec.directory.empty() && !fs::is_directory(spec.directory)) {
    return fail(ErrorCode::kNotFound, cat("no folder ", spec.directory.string(), " to run in"));
  }
  ASSIGN_OR_RETURN(const fs::path program, find_program(spec));
  Handle log;
  if (output < 0) {
    ASSIGN_OR_RETURN(log, open_log_file(spec.log_file));
    output = log.get();
  }
  std::vector<std::string> argv = spec.argv;
  std::vector<std::string> env;
  for (const auto& [name, value] : spec.env) env.push_back(cat(name, "=", value));
  const auto arguments = pointers(argv);
  const auto variables = pointers(env);
  SpawnedProcess child;
  int failure = 0;
  const StartedUmask as_we_were_started;
  if (spec.as) {
    failure =
        start_as({spec, program.c_str(), output, arguments.data(), variables.data()}, child.pid);
  } else {
    Actions actions;
    set_actions(actions, spec, output);
    const Attributes attributes;
    failure = ::posix_spawn(&child.pid, program.c_str(), &actions.list, &attributes.list,
                            arguments.data(), variables.data());
  }
  if (failure != 0) {  // the child is reaped already
    return fail(code_of(failure), cat(program.string(), ": ", std::strerror(failure)));
  }
  restore_descriptor_limit(child.pid);
  auto pidfd = open_pidfd(child.pid);
  if (!pidfd) {  // out of descriptors: a child we cannot watch is worse than none
    ::kill(-child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
    return tl::unexpected<Error>(std::move(pidfd).error());
  }
  child.pidfd = std::move(*pidfd);
  return child;
}

}  // namespace panshi
