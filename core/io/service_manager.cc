// SPDX-License-Identifier: Apache-2.0
#include "core/io/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "core/base/text.h"

namespace panshi {
namespace {

std::string taken(const char* name) {
  const char* value = std::getenv(name);
  const std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

}  // namespace

std::unique_ptr<ServiceManager> ServiceManager::from_environment() {
  const std::string socket = taken("NOTIFY_SOCKET");
  const std::string usec = taken("WATCHDOG_USEC");
  const std::string pid = taken("WATCHDOG_PID");
  sockaddr_un address{};
  const bool named = socket.starts_with('/') || socket.starts_with('@');
  if (!named || socket.size() < 2 || socket.size() >= sizeof address.sun_path) return nullptr;
  const bool ours = pid.empty() || pid == std::to_string(::getpid());
  const auto watchdog = ours ? parse_integer(usec).value_or(0) : 0;
  return std::unique_ptr<ServiceManager>(
      new ServiceManager(socket, Duration(std::max<std::int64_t>(0, watchdog))));
}

void ServiceManager::say(const std::string& line) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_.front() == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  // Not waited for: a manager that does not read will find us late, as it would have anyway.
  (void)::sendto(fd, line.data(), line.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), size);
  ::close(fd);
}

void ServiceManager::say_ready() { say("READY=1\n"); }

void ServiceManager::say_stopping() { say("STOPPING=1\n"); }

std::optional<MonoTime> ServiceManager::say_alive(MonoTime now) {
  if (every_ <= Duration(0)) return std::nullopt;
  if (now >= next_) {
    say("WATCHDOG=1\n");
    next_ = now + every_;
  }
  return next_;
}

}  // namespace panshi
