// SPDX-License-Identifier: Apache-2.0
#include "core/io/strict_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/text.h"

namespace panshi {
namespace {

tl::unexpected<Error> failed(const std::filesystem::path& path, int number) {
  if (number == ELOOP) {
    return fail(ErrorCode::kRefused, cat(path.string(), ": a part of it is a symbolic link"));
  }
  const ErrorCode code = number == ENOENT   ? ErrorCode::kNotFound
                         : number == EEXIST ? ErrorCode::kConflict
                                            : ErrorCode::kUnavailable;
  return fail(code, cat(path.string(), ": ", std::string(std::strerror(number))));
}

}  // namespace

Result<int> open_strictly(const std::filesystem::path& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  do {  // EAGAIN: something on the way was renamed meanwhile
    fd = ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0) return failed(path, errno);
  return static_cast<int>(fd);
}

Result<int> open_nameless(const std::filesystem::path& folder, int flags) {
  if (auto fd = open_strictly(folder, flags | O_TMPFILE, 0600)) return fd;
  const auto path = folder / cat(".panshi-", ::getpid());
  if (auto removed = remove_strictly(path); !removed) return tl::unexpected(removed.error());
  ASSIGN_OR_RETURN(const int fd, open_strictly(path, flags | O_CREAT | O_EXCL, 0600));
  Status removed = remove_strictly(path);
  struct stat facts {};
  if (removed && (::fstat(fd, &facts) != 0 || facts.st_nlink != 0)) {
    removed = fail(ErrorCode::kUnavailable, cat(path.string(), " was taken over by somebody"));
  }
  if (removed) return fd;
  ::close(fd);
  return tl::unexpected(removed.error());
}

Status remove_strictly(const std::filesystem::path& path) {
  const auto folder = open_strictly(path.parent_path(), O_PATH | O_DIRECTORY);
  if (!folder && folder.error().code == ErrorCode::kNotFound) return {};
  if (!folder) return tl::unexpected<Error>(folder.error());
  const int removed = ::unlinkat(*folder, path.filename().c_str(), 0);
  const int number = errno;
  ::close(*folder);
  if (removed == 0 || number == ENOENT) return {};
  return failed(path, number);
}

}  // namespace panshi
