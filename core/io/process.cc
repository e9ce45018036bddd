// SPDX-License-Identifier: Apache-2.0
#include "core/io/process.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "core/base/struck.h"
#include "core/base/text.h"
#include "core/io/spawn.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace panshi {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;
using std::chrono::steady_clock;

constexpr std::size_t kOutputMax = (64 << 10) + kSecretReach;
constexpr std::chrono::seconds kGrace{2};     // between SIGTERM and SIGKILL
constexpr std::chrono::seconds kDeathMax{1};  // after SIGKILL; the kernel may hold one longer
constexpr std::chrono::milliseconds kLookAgain{10};  // while a group is dying
constexpr int kNotFoundStatus = 127;                 // as shells have it
constexpr int kNotExecutableStatus = 126;

// REQUIRES: the process has ended.
ProcessExit reap(int pidfd) {
  siginfo_t info = {};
  ProcessExit exit{.code = -1, .signal = 0, .adopted = false};
  if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info,
               WEXITED | WNOHANG) != 0 ||
      info.si_pid == 0) {
    exit.adopted = true;  // not our child: somebody else reaps it
  } else if (info.si_code == CLD_EXITED) {
    exit.code = info.si_status;
  } else {
    exit.signal = info.si_status;
  }
  return exit;
}

// Keeps the last kOutputMax bytes of what is added.
class Tail {
 public:
  void add(std::string_view bytes) {
    text_.append(bytes);
    if (text_.size() > 2 * kOutputMax) cut();
  }
  std::string take() {
    cut();
    return std::move(text_);
  }

 private:
  void cut() {
    if (text_.size() > kOutputMax) text_.erase(0, text_.size() - kOutputMax);
  }
  std::string text_;
};

// One run of a script. Lives in its own handlers; thread `process` alone.
//
// Its leader is reaped last: as a zombie it pins the number of the group, so that no signal can
// reach a stranger.
class Script : public std::enable_shared_from_this<Script> {
 public:
  Script(asio::io_context& context, SpawnedProcess child, Handle output,
         ProcessRunner::OnScript done)
      : group_(child.pid),
        leader_(context, child.pidfd.release()),
        output_(context, output.release()),
        timer_(context),
        started_(steady_clock::now()),
        done_(std::move(done)) {}
  ~Script() {
    if (reported_) return;
    ::kill(-group_, SIGKILL);
    pollfd ended = {leader_.native_handle(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(std::chrono::milliseconds(kDeathMax).count()));
    reap(leader_.native_handle());
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  void start(Duration timeout) {
    output_.non_blocking(true);
    leader_.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](auto error) {
      if (!error) self->leader_ended();
    });
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this()](auto error) {
      if (!error && !self->leader_ended_) self->time_out();
    });
    read_more();
  }

 private:
  // Waits asynchronously, reads synchronously: nothing is ever read but not yet added, so that
  // report() sees all there is.
  void read_more() {
    output_.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](auto error) {
      if (!error && self->read_available()) self->read_more();
    });
  }

  // False at the end of the output. No more than a pipe holds a few times over: one that never
  // stops writing must not hold up the others.
  bool read_available() {
    for (int i = 0; i < 32; ++i) {
      boost::system::error_code error;
      const std::size_t size = output_.read_some(asio::buffer(buffer_), error);
      if (error) return error == asio::error::would_block;
      tail_.add({buffer_.data(), size});
    }
    return true;
  }

  void leader_ended() {
    leader_ended_ = true;
    if (reported_) {
      reap(leader_.native_handle());  // it outlived even our patience
    } else if (!timed_out_) {
      timer_.cancel();
      report();
    }
  }

  void time_out() {
    timed_out_ = true;
    kill_at_ = steady_clock::now() + kGrace;
    ::kill(-group_, SIGTERM);
    ::kill(-group_, SIGCONT);  // one that is stopped would not hear it
    watch_group_die();
  }

  void watch_group_die() {
    const auto now = steady_clock::now();
    if (leader_ended_ && processes_in_group(group_).empty()) return report();
    if (now >= kill_at_ + kDeathMax) return report();
    if (now >= kill_at_) ::kill(-group_, SIGKILL);
    timer_.expires_after(kLookAgain);
    timer_.async_wait([self = shared_from_this()](auto error) {
      if (!error) self->watch_group_die();
    });
  }

  void report() {
    reported_ = true;
    read_available();
    output_.close();
    ScriptResult result;
    result.exit = leader_ended_ ? reap(leader_.native_handle()) : ProcessExit{.code = -1};
    result.timed_out = timed_out_;
    result.output = tail_.take();
    result.took = std::chrono::duration_cast<Duration>(steady_clock::now() - started_);
    done_(std::move(result));
  }

  const pid_t group_;
  stream_descriptor leader_;
  stream_descriptor output_;
  asio::steady_timer timer_;
  const steady_clock::time_point started_;
  steady_clock::time_point kill_at_;
  ProcessRunner::OnScript done_;
  Tail tail_;
  std::array<char, 16 << 10> buffer_;
  bool leader_ended_ = false;
  bool timed_out_ = false;
  bool reported_ = false;
};

struct Pipe {
  Handle read_end;
  Handle write_end;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(ErrorCode::kInternal, cat("pipe: ", std::strerror(errno)));
  }
  return Pipe{Handle(ends[0]), Handle(ends[1])};
}

}  // namespace

struct ProcessRunner::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread{[this] {
    pthread_setname_np(pthread_self(), "process");
    context.run();
  }};

  ~Impl() {
    context.stop();
    thread.join();
  }

  Status watch(Handle pidfd, OnExit on_exit) {
    const auto process = std::make_shared<stream_descriptor>(context);
    boost::system::error_code error;
    process->assign(pidfd.get(), error);
    if (error) return fail(ErrorCode::kInternal, cat("watch a process: ", error.message()));
    pidfd.release();
    process->async_wait(stream_descriptor::wait_read,
                        [process, on_exit = std::move(on_exit)](auto failure) {
                          if (!failure) on_exit(reap(process->native_handle()));
                        });
    return {};
  }

  Status run(const ProcessSpec& spec, Duration timeout, const OnScript& done) {
    ASSIGN_OR_RETURN(Pipe pipe, make_pipe());
    ASSIGN_OR_RETURN(SpawnedProcess child, spawn(spec, pipe.write_end.get()));
    const auto script =
        std::make_shared<Script>(context, std::move(child), std::move(pipe.read_end), done);
    asio::post(context, [script, timeout] { script->start(timeout); });
    return {};
  }
};

ProcessRunner::ProcessRunner() : impl_(std::make_unique<Impl>()) {}
ProcessRunner::~ProcessRunner() = default;

Result<ProcessName> ProcessRunner::launch(const ProcessSpec& spec, OnExit on_exit) {
  ASSIGN_OR_RETURN(SpawnedProcess child, spawn(spec, -1));
  ASSIGN_OR_RETURN(const ProcessName name, name_child(child.pid));
  if (auto watched = impl_->watch(std::move(child.pidfd), std::move(on_exit)); !watched) {
    ::kill(-child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
    return tl::unexpected<Error>(std::move(watched).error());
  }
  return name;
}

Status ProcessRunner::adopt(const ProcessName& name, OnExit on_exit) {
  ASSIGN_OR_RETURN(Handle pidfd, open_pidfd(name.pid));
  // Asked after opening: from here on the descriptor means whatever has the pid now.
  if (!is_alive(name)) return fail(ErrorCode::kNotFound, cat("process ", name.pid, " is gone"));
  return impl_->watch(std::move(pidfd), std::move(on_exit));
}

void ProcessRunner::run(const ProcessSpec& spec, Duration timeout, OnScript done) {
  const auto started = impl_->run(spec, timeout, done);
  if (started) return;
  ScriptResult result;
  result.exit.code =
      started.error().code == ErrorCode::kNotFound ? kNotFoundStatus : kNotExecutableStatus;
  result.output = started.error().message;
  asio::post(impl_->context, [result = std::move(result), done = std::move(done)]() mutable {
    done(std::move(result));
  });
}

}  // namespace panshi
