// SPDX-License-Identifier: Apache-2.0
#include "core/io/held_process.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/base/text.h"
#include "core/io/spawn.h"

namespace panshi {
namespace {

constexpr std::size_t kLineMax = 1'024;
constexpr std::string_view kReady = "ready";
constexpr int kEndsWithinMs = 2'000;  // by itself, when its input has ended

Result<std::string> read_line(int socket, Duration wait) {
  std::string line;
  const MonoTime until = SystemClock().mono() + wait;
  while (line.size() < kLineMax && line.find('\n') == std::string::npos) {
    const Duration left = until - SystemClock().mono();
    pollfd readable{.fd = socket, .events = POLLIN, .revents = 0};
    const int wait_ms = static_cast<int>(left.count() / 1'000);
    const int ready = wait_ms <= 0 ? 0 : ::poll(&readable, 1, wait_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail(ErrorCode::kTimeout, cat("no answer in ", duration_text(wait)));
    std::array<char, kLineMax> buffer{};
    const ssize_t got = ::read(socket, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    line.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return line.substr(0, line.find('\n'));
}

}  // namespace

struct HeldProcess::Parts {
  Handle socket;
  SpawnedProcess child;
};

HeldProcess::HeldProcess(std::unique_ptr<Parts> parts, ProcessName name)
    : parts_(std::move(parts)), name_(name) {}

Result<std::unique_ptr<HeldProcess>> HeldProcess::start(const ProcessSpec& spec, Duration wait) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return fail(ErrorCode::kInternal, cat("socketpair: ", std::string(std::strerror(errno))));
  }
  auto parts = std::make_unique<Parts>();
  parts->socket = Handle(pair[0]);
  Handle its(pair[1]);
  ProcessSpec whole = spec;
  whole.input = its.get();
  ASSIGN_OR_RETURN(parts->child, spawn(whole, its.get()));
  ASSIGN_OR_RETURN(const ProcessName name, name_child(parts->child.pid));
  std::unique_ptr<HeldProcess> held(new HeldProcess(std::move(parts), name));
  its = Handle();  // else its end would never be seen
  auto line = read_line(held->parts_->socket.get(), wait);
  if (!line) return fail(line.error(), spec.argv.front());
  if (*line == kReady) return held;
  return fail(ErrorCode::kRefused, line->empty() ? "it ended at once" : *line);
}

HeldProcess::~HeldProcess() {
  parts_->socket = Handle();
  pollfd ended{.fd = parts_->child.pidfd.get(), .events = POLLIN, .revents = 0};
  (void)::poll(&ended, 1, kEndsWithinMs);
  ::kill(-name_.pid, SIGKILL);  // not reaped yet, so the number is still its own
  ::waitpid(name_.pid, nullptr, 0);
}

}  // namespace panshi
