// SPDX-License-Identifier: Apache-2.0
#include "agents/host/bounds.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/process_table.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kQuotaBlock = 1'024;  // quotactl(2)
constexpr std::size_t kFileMax = 1 << 20;

// The first number in a file; none: it is not there, or says "max".
std::optional<std::int64_t> first_number(const fs::path& file) {
  const auto text = read_file(file, kFileMax);
  if (!text) return std::nullopt;
  const auto number = parse_integer(text->substr(0, text->find_first_of(" \n")));
  return number ? std::optional(*number) : std::nullopt;
}

void bound(Room& room, std::optional<std::int64_t> limit, std::int64_t used) {
  if (!limit || *limit >= kNone / 2) return;  // version 1 writes "none" as a huge number
  room.total = std::min(room.total, *limit);
  room.available = std::min(room.available, std::max<std::int64_t>(0, *limit - used));
}

// From the group up to the mount.
template <class Visit>
void climb(const fs::path& mount, fs::path group, Visit visit) {
  while (group.string().size() >= mount.string().size()) {
    visit(group);
    if (group == mount) return;
    group = group.parent_path();
  }
}

struct Group {
  fs::path mount;
  fs::path folder;
};

// Where the hierarchy with that controller is, and this process in it; of version 2: "".
std::optional<Group> group_with(const std::string& controller) {
  const auto mounts = read_file("/proc/self/mountinfo", kFileMax);
  const auto groups = read_file("/proc/self/cgroup", kFileMax);
  if (!mounts || !groups) return std::nullopt;
  std::string own;
  for (const std::string& line : split(*groups, '\n')) {
    const std::vector<std::string> parts = split(line, ':');  // ID:CONTROLLERS:PATH
    if (parts.size() < 3) continue;
    const std::vector<std::string> names = split(parts[1], ',');
    const bool meant = controller.empty()
                           ? parts[0] == "0"
                           : std::find(names.begin(), names.end(), controller) != names.end();
    if (meant) own = line.substr(parts[0].size() + parts[1].size() + 2);
  }
  const std::string type = controller.empty() ? " - cgroup2 " : " - cgroup ";
  for (const std::string& line : split(*mounts, '\n')) {
    if (line.find(type) == std::string::npos) continue;
    const std::vector<std::string> words = words_of(line);
    if (words.size() < 5) continue;
    const std::vector<std::string> options = split(words.back(), ',');
    if (!controller.empty() &&
        std::find(options.begin(), options.end(), controller) == options.end()) {
      continue;
    }
    // In a container only a part of the hierarchy is mounted: from `root` on.
    const std::string root = words[3] == "/" ? "" : words[3];
    const fs::path mount = words[4];
    const std::string below = own.starts_with(root + "/") ? own.substr(root.size()) : "/";
    const fs::path folder = below == "/" ? mount : fs::path(mount.string() + below);
    return Group{mount, fs::exists(folder) ? folder : mount};
  }
  return std::nullopt;
}

// What is left of a quota of ours there. Root with its capabilities has none.
void bound_by_quota(const fs::path& folder, Room& room) {
#ifdef SYS_quotactl_fd
  if (::geteuid() == 0) return;
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  const auto ask = [&](int type, unsigned id) {
    struct dqblk quota {};
    if (::syscall(SYS_quotactl_fd, fd, QCMD(Q_GETQUOTA, type), id, &quota) != 0) return;
    const std::uint64_t blocks =
        quota.dqb_bhardlimit != 0 ? quota.dqb_bhardlimit : quota.dqb_bsoftlimit;
    if (blocks == 0) return;
    bound(room, static_cast<std::int64_t>(blocks) * kQuotaBlock,
          static_cast<std::int64_t>(quota.dqb_curspace));
  };
  ask(USRQUOTA, ::geteuid());
  ask(GRPQUOTA, ::getegid());
  ::close(fd);
#else
  (void)folder, (void)room;
#endif
}

}  // namespace

Room memory_of_group(const fs::path& mount, const fs::path& group, Room room) {
  climb(mount, group, [&](const fs::path& folder) {
    if (const auto used = first_number(folder / "memory.current")) {
      const std::int64_t fixed = *used - named_number(folder / "memory.stat", "inactive_file");
      bound(room, first_number(folder / "memory.max"), fixed);
      bound(room, first_number(folder / "memory.high"), fixed);
    } else if (const auto bytes = first_number(folder / "memory.usage_in_bytes")) {
      const std::int64_t fixed =
          *bytes - named_number(folder / "memory.stat", "total_inactive_file");
      bound(room, first_number(folder / "memory.limit_in_bytes"), fixed);
    }
  });
  return room;
}

std::int64_t processes_of_group(const fs::path& mount, const fs::path& group, std::int64_t left) {
  climb(mount, group, [&](const fs::path& folder) {
    const auto most = first_number(folder / "pids.max");
    const auto now = first_number(folder / "pids.current");
    if (most && now) left = std::min(left, *most - *now);
  });
  return left;
}

Room memory_room() {
  Room room{.total = named_number("/proc/meminfo", "MemTotal:") << 10,
            .available = named_number("/proc/meminfo", "MemAvailable:") << 10};
  for (const char* controller : {"", "memory"}) {
    if (const auto group = group_with(controller)) {
      room = memory_of_group(group->mount, group->folder, room);
    }
  }
  return room;
}

std::int64_t processes_left() {
  const std::int64_t most = std::min(first_number("/proc/sys/kernel/pid_max").value_or(kNone),
                                     first_number("/proc/sys/kernel/threads-max").value_or(kNone));
  std::int64_t left = most;
  // "0.20 0.18 0.12 1/80 11206": of the threads there are, the second in the fourth word.
  const auto words = words_of(read_file("/proc/loadavg", kFileMax).value_or(""));
  if (words.size() > 3) {
    left -= parse_integer(words[3].substr(words[3].find('/') + 1)).value_or(0);
  }
  for (const char* controller : {"", "pids"}) {
    if (const auto group = group_with(controller)) {
      left = processes_of_group(group->mount, group->folder, left);
    }
  }
  struct rlimit own {};
  if (::geteuid() != 0 && ::getrlimit(RLIMIT_NPROC, &own) == 0 && own.rlim_cur != RLIM_INFINITY) {
    left = std::min(left, static_cast<std::int64_t>(own.rlim_cur));
  }
  return left;
}

Result<Room> disk_room(const fs::path& folder) {
  struct statvfs facts {};
  struct statfs system {};
  if (::statvfs(folder.c_str(), &facts) != 0 || ::statfs(folder.c_str(), &system) != 0) {
    return fail(ErrorCode::kNotFound,
                cat(folder.string(), ": ", std::string(std::strerror(errno))));
  }
  const auto block = static_cast<std::int64_t>(facts.f_frsize);
  // As df: what only root may use counts for nobody.
  const auto free = static_cast<std::int64_t>(facts.f_bfree);
  const auto available = static_cast<std::int64_t>(facts.f_bavail);
  const auto blocks = static_cast<std::int64_t>(facts.f_blocks);
  Room room{.total = block * (blocks - free + available), .available = block * available};
  room.in_memory = system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC;
  bound_by_quota(folder, room);
  return room;
}

}  // namespace panshi::agent
