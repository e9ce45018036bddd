// SPDX-License-Identifier: Apache-2.0
#include "core/io/strict_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
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
