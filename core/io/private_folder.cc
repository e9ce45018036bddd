// SPDX-License-Identifier: Apache-2.0
#include "core/io/private_folder.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "core/base/text.h"
#include "core/io/trusted_path.h"

namespace panshi {

namespace fs = std::filesystem;

namespace {

constexpr mode_t kPrivate = 077;
constexpr mode_t kAsItWas = ~mode_t{0};
std::atomic<mode_t> g_started = kAsItWas;

}  // namespace

Status make_private_folder(const fs::path& folder, std::string_view ours) {
  std::error_code error;
  const auto failed = [&](const std::string& why) {
    return fail(ErrorCode::kUnavailable,
                cat("cannot make the state directory ", folder.string(), ": ", why));
  };
  // First: through another user's link we would close a folder that is not ours.
  if (auto way = check_trusted(folder); !way && way.error().code != ErrorCode::kNotFound) {
    return way;
  }
  const bool made = fs::create_directories(folder, error);
  if (error) return failed(error.message());
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<const int, void (*)(const int*)> closed(
      &fd, [](const int* open) { ::close(*open); });
  struct stat about = {};
  if (fd < 0 || ::fstat(fd, &about) != 0) return failed(std::strerror(errno));
  const bool is_open = (about.st_mode & 077) != 0;
  const bool is_shared = (about.st_mode & S_ISVTX) != 0 || about.st_uid != ::geteuid();
  if (!is_open || is_shared) return {};
  const bool has_ours = !ours.empty() && fs::exists(folder / ours, error);
  if (!made && !has_ours && !fs::is_empty(folder, error)) return {};
  if (::fchmod(fd, 0700) != 0) return failed(std::strerror(errno));
  return {};
}

void keep_new_files_private() {
  const mode_t before = ::umask(kPrivate);
  if (g_started == kAsItWas) g_started = before;
}

mode_t started_umask() {
  if (g_started != kAsItWas) return g_started;
  const mode_t now = ::umask(kPrivate);
  ::umask(now);
  return now;
}

StartedUmask::StartedUmask() {
  if (g_started == kAsItWas) return;
  // Threads share theirs until one asks for its own.
  static thread_local const bool kOwn = ::unshare(CLONE_FS) == 0;
  if (!kOwn) return;
  ::umask(g_started);
  changed_ = true;
}

StartedUmask::~StartedUmask() {
  if (changed_) ::umask(kPrivate);
}

}  // namespace panshi
