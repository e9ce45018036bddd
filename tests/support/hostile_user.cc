// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hostile_user.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <string_view>

#include "core/io/process.h"

namespace panshi {
namespace {

using Time = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr uid_t kNobody = 65'534;
constexpr auto kTakes = 700ms;
constexpr auto kLeaves = 1'500ms;

bool drop_rights() {
  return ::setgroups(0, nullptr) == 0 && ::setgid(kNobody) == 0 && ::setuid(kNobody) == 0 &&
         ::setuid(0) != 0;
}

int take_port(const std::string& address, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 && ::listen(fd, 64) == 0) {
    return fd;
  }
  ::close(fd);
  return -1;
}

}  // namespace

struct HostileUser::Shared {
  Did did;
  pid_t posing = 0;
};

namespace {

class Mischief {
 public:
  Mischief(const HostileUser::Plan& plan, HostileUser::Did& did) : plan_(plan), did_(did) {}

  [[noreturn]] void go_on() {
    const auto began = Time::now();
    for (const auto& file : plan_.files) lock(file);
    for (;;) {
      if ((Time::now() - began) % (kTakes + kLeaves) < kTakes) {
        take_ports();
      } else {
        leave_ports();
      }
      listen_in();
      put_links();
      send_signals();
    }
  }

 private:
  void lock(const std::filesystem::path& file) {
    for (const int how : {O_RDWR, O_RDONLY}) {
      const int fd = ::open(file.c_str(), how | O_CLOEXEC);
      if (fd < 0) continue;
      if (::flock(fd, LOCK_EX | LOCK_NB) == 0) ++did_.locked;
      return;  // stays open
    }
  }

  void take_ports() {
    for (const std::uint16_t port : plan_.ports) {
      if (taken_.contains(port)) continue;
      if (const int fd = take_port(plan_.address, port); fd >= 0) {
        taken_.insert(port);
        doors_.push_back(fd);
        ++did_.ports_taken;
      }
    }
  }

  void leave_ports() {
    for (const int fd : doors_) ::close(fd);
    for (const int fd : callers_) ::close(fd);
    doors_.clear();
    callers_.clear();
    taken_.clear();
  }

  // What callers say first, some milliseconds at most.
  void listen_in() {
    std::vector<pollfd> all;
    for (const int fd : doors_) all.push_back({fd, POLLIN, 0});
    for (const int fd : callers_) all.push_back({fd, POLLIN, 0});
    ::poll(all.data(), all.size(), 2);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if ((all[i].revents & POLLIN) == 0) continue;
      if (i < doors_.size()) {
        const int caller = ::accept4(all[i].fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (caller < 0) continue;
        ++did_.callers;
        callers_.push_back(caller);
        (void)!::send(caller, plan_.greeting.data(), plan_.greeting.size(), MSG_NOSIGNAL);
      } else {
        std::array<char, 4'096> heard;
        const ssize_t size = ::recv(all[i].fd, heard.data(), heard.size(), 0);
        if (size <= 0) continue;
        const std::string_view text(heard.data(), static_cast<std::size_t>(size));
        if (text.find(plan_.secret_mark) != std::string_view::npos) ++did_.secrets;
      }
    }
  }

  // Replaces whatever is new in the folder, and puts links beside it under names that it saw there.
  void put_links() {
    DIR* const folder = ::opendir(plan_.open_folder.c_str());
    if (folder == nullptr) return;
    while (const dirent* const entry = ::readdir(folder)) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      const std::filesystem::path path = plan_.open_folder / name;
      struct stat about {};
      if (::lstat(path.c_str(), &about) != 0 || about.st_uid == kNobody) continue;
      if (seen_.insert(name).second) continue;  // not before it has been looked at by who made it
      if (::unlink(path.c_str()) == 0 && ::symlink(plan_.secret.c_str(), path.c_str()) == 0) {
        ++did_.overwritten;
      }
    }
    ::closedir(folder);
    if (did_.links > 0) return;
    for (const char* name : {"panshi", ".panshi", "fill", "f-1", "orders.db.new", "orders.db~"}) {
      if (::symlink(plan_.secret.c_str(), (plan_.open_folder / name).c_str()) == 0) ++did_.links;
    }
  }

  void send_signals() {
    if (Time::now() < next_signals_) return;
    next_signals_ = Time::now() + 200ms;
    for (const int number : {SIGSTOP, SIGKILL}) {
      if (::kill(::getppid(), number) == 0) ++did_.signals;
    }
    DIR* const folder = ::opendir("/proc");
    if (folder == nullptr) return;
    while (const dirent* const entry = ::readdir(folder)) {
      const pid_t pid = std::atoi(entry->d_name);
      const auto process = std::filesystem::path("/proc") / entry->d_name;
      struct stat about {};
      if (pid <= 1 || ::stat(process.c_str(), &about) != 0 || about.st_uid == kNobody) continue;
      if (::kill(pid, SIGSTOP) == 0) ++did_.signals;
    }
    ::closedir(folder);
  }

  const HostileUser::Plan& plan_;
  HostileUser::Did& did_;
  std::set<std::uint16_t> taken_;
  std::vector<int> doors_;
  std::vector<int> callers_;
  std::set<std::string> seen_;
  Time::time_point next_signals_{};
};

pid_t pose(const std::vector<std::string>& environment) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<char*> all;
  for (const std::string& each : environment) all.push_back(const_cast<char*>(each.c_str()));
  all.push_back(nullptr);
  std::array<char*, 3> argv = {const_cast<char*>("nap"), const_cast<char*>("1000"), nullptr};
  ::execve("/bin/sleep", argv.data(), all.data());
  ::_exit(127);
}

}  // namespace

HostileUser::HostileUser(const Plan& plan) {
  void* const memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory to share with a hostile user");
  shared_ = new (memory) Shared;
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::close_range(3, ~0U, 0);  // locks and sockets of the test's other threads among them
  if (!drop_rights()) ::_exit(1);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it is forgotten with the rights
  shared_->posing = pose(plan.environment);
  Mischief(plan, shared_->did).go_on();
}

HostileUser::~HostileUser() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::munmap(shared_, sizeof(Shared));
}

HostileUser::Did HostileUser::did() const { return shared_->did; }

bool HostileUser::poses() const {
  const char state = process_state(shared_->posing);
  return state != 0 && state != 'Z';
}

}  // namespace panshi
