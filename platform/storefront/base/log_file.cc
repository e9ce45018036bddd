// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/base/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

tl::unexpected<Error> system_error(std::string_view doing, const std::filesystem::path& path) {
  return fail(ErrorCode::kInternal, cat(doing, " ", path.string(), ": ", std::strerror(errno)));
}

}  // namespace

Result<LogFile> LogFile::open(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) return system_error("open", path);
  LogFile file(descriptor, path);
  struct stat facts = {};
  if (::fstat(descriptor, &facts) != 0) return system_error("stat", path);
  char last = '\n';
  if (facts.st_size > 0 && ::pread(descriptor, &last, 1, facts.st_size - 1) != 1) {
    return system_error("read", path);
  }
  if (last != '\n') file.buffer_ = "\n";
  return file;
}

LogFile::LogFile(LogFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      buffer_(std::move(other.buffer_)),
      broken_(std::move(other.broken_)) {}

LogFile::~LogFile() {
  if (descriptor_ < 0) return;
  (void)flush();
  ::close(descriptor_);
}

void LogFile::append(std::string_view line) {
  if (!broken_) return;
  buffer_ += line;
  buffer_ += '\n';
}

Status LogFile::flush() {
  if (!broken_) return broken_;
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return broken_ = system_error("write", path_);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
  return {};
}

}  // namespace panshi::shop
