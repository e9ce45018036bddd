// SPDX-License-Identifier: Apache-2.0
#include "core/io/local_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "core/base/text.h"

namespace panshi {

namespace fs = std::filesystem;

namespace {

constexpr int kLocalBacklog = 64;

}  // namespace

Result<LocalPath> LocalPath::of(const fs::path& file) {
  const std::string text = file.string();
  if (text.size() < sizeof(sockaddr_un::sun_path)) return LocalPath(text, -1);
  const int folder = ::open(file.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    return fail(ErrorCode::kNotFound, cat(file.parent_path().string(), ": ", std::strerror(errno)));
  }
  return LocalPath(cat("/proc/self/fd/", folder, "/", file.filename().string()), folder);
}

LocalPath::LocalPath(LocalPath&& other) noexcept
    : text_(std::move(other.text_)), folder_(std::exchange(other.folder_, -1)) {}

LocalPath::~LocalPath() {
  if (folder_ >= 0) ::close(folder_);
}

Result<int> listen_local(const fs::path& file) {
  ASSIGN_OR_RETURN(const LocalPath path, LocalPath::of(file));
  const auto failed = [&](const char* what) {
    return fail(ErrorCode::kUnavailable, cat(what, " ", file.string(), ": ", std::strerror(errno)));
  };
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.text().size() >= sizeof at.sun_path) {
    errno = ENAMETOOLONG;
    return failed("listen at");
  }
  std::memcpy(at.sun_path, path.text().data(), path.text().size());
  struct stat there {};
  if (::lstat(path.text().c_str(), &there) == 0 && !S_ISSOCK(there.st_mode)) {
    return fail(ErrorCode::kConflict, cat(file.string(), " is there and is not a socket"));
  }
  if (::unlink(path.text().c_str()) != 0 && errno != ENOENT) return failed("replace");
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return failed("listen at");
  // Before bind: the file is never there with another mode.
  if (::fchmod(fd, 0600) != 0 ||
      ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
      ::listen(fd, kLocalBacklog) != 0) {
    auto error = failed("listen at");
    ::close(fd);
    return error;
  }
  return fd;
}

std::optional<uid_t> uid_of_peer(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return credentials.uid;
}

}  // namespace panshi
