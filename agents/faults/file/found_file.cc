// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/file/found_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/base/text.h"
#include "core/io/strict_path.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kCapabilities = "security.capability";
constexpr std::size_t kCapabilitiesMax = 64;
// Without O_NONBLOCK a file's owner who holds a lease on it (fcntl(2), F_SETLEASE) would keep each
// thread of ours for as long as the kernel lets a lease be held, 45 s.
constexpr int kRead = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

tl::unexpected<Error> failed(const fs::path& path) {
  const int number = errno;
  return fail(number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
              cat(path.string(), ": ",
                  number == EWOULDBLOCK ? "its owner holds a lease on it (F_SETLEASE)"
                                        : std::string(std::strerror(number))));
}

// The descriptor by a path: what was opened with O_PATH is opened for more, or changed, through it.
std::string through(int fd) { return cat("/proc/self/fd/", fd); }

// A file_handle with room for its bytes, which stand behind it.
class Handle {
 public:
  file_handle* get() { return reinterpret_cast<file_handle*>(room_.data()); }
  unsigned char* bytes() { return room_.data() + sizeof(file_handle); }

 private:
  alignas(file_handle) std::array<unsigned char, sizeof(file_handle) + MAX_HANDLE_SZ> room_{};
};

std::string hex_of(const unsigned char* bytes, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    std::array<char, 3> pair{};
    std::snprintf(pair.data(), pair.size(), "%02x", bytes[i]);
    text += pair.data();
  }
  return text;
}

// "TYPE:HEX"; empty where the file system gives none.
std::string handle_of(int fd) {
  Handle handle;
  handle.get()->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  if (::name_to_handle_at(fd, "", handle.get(), &mount, AT_EMPTY_PATH) != 0) return {};
  return cat(handle.get()->handle_type, ":", hex_of(handle.bytes(), handle.get()->handle_bytes));
}

bool handle_from(const std::string& text, Handle& handle) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || (text.size() - colon - 1) / 2 > MAX_HANDLE_SZ) return false;
  handle.get()->handle_type = std::atoi(text.c_str());
  handle.get()->handle_bytes = static_cast<unsigned>((text.size() - colon - 1) / 2);
  for (unsigned i = 0; i < handle.get()->handle_bytes; ++i) {
    const std::string pair = text.substr(colon + 1 + 2 * i, 2);
    handle.bytes()[i] = static_cast<unsigned char>(std::strtoul(pair.c_str(), nullptr, 16));
  }
  return true;
}

// 0: not known. That of a file in an overlay is of its newest layer, and so changes with a write.
std::int64_t born(int fd) {
  struct statfs system {};
  if (::fstatfs(fd, &system) == 0 && system.f_type == OVERLAYFS_SUPER_MAGIC) return 0;
  struct statx facts {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &facts) != 0) return 0;
  if ((facts.stx_mask & STATX_BTIME) == 0) return 0;
  return facts.stx_btime.tv_sec * 1'000'000'000 + facts.stx_btime.tv_nsec;
}

bool is_removed(int fd) {
  struct stat facts {};
  return ::fstat(fd, &facts) == 0 && facts.st_nlink == 0;
}

}  // namespace

FoundFile::FoundFile(FoundFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
FoundFile::~FoundFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FoundFile> FoundFile::open(const fs::path& path) {
  ASSIGN_OR_RETURN(const int fd, open_strictly(path, O_PATH));
  FoundFile file(fd, path);
  ASSIGN_OR_RETURN(const struct stat facts, file.facts());
  if (!S_ISREG(facts.st_mode)) return fail(ErrorCode::kRefused, cat(path.string(), ": no file"));
  return file;
}

json FoundFile::identity() const {
  struct stat facts {};
  (void)::fstat(fd_, &facts);
  return {{"inode", facts.st_ino},
          {"device", facts.st_dev},
          {"born", born(fd_)},
          {"handle", handle_of(fd_)}};
}

bool FoundFile::is(const json& identity) const {
  const json own = this->identity();
  if (own.at("inode") != identity.at("inode")) return false;
  const std::string handle = identity.at("handle");
  if (!handle.empty() && !own.at("handle").get<std::string>().empty()) {
    return own.at("handle") == handle;  // the device's number may be another after a boot
  }
  return own.at("device") == identity.at("device") && own.at("born") == identity.at("born");
}

// Through its old folder, or one above it that is on the same file system: the folder itself may be
// gone, or a link by now.
Result<FoundFile> FoundFile::find_by_handle(const fs::path& path, const json& identity) {
  const auto missing = [&](ErrorCode code) {
    return fail(code, cat(path.string(), " was removed"));
  };
  Handle handle;
  if (!handle_from(identity.at("handle"), handle)) return missing(ErrorCode::kUnavailable);
  const fs::path folder = path.parent_path();
  for (fs::path above = folder; above != above.root_path(); above = above.parent_path()) {
    const int mount = open_strictly(above, O_RDONLY | O_DIRECTORY).value_or(-1);
    if (mount < 0) continue;
    struct stat facts {};
    const bool same =
        above == folder || (::fstat(mount, &facts) == 0 && facts.st_dev == identity.at("device"));
    FoundFile file(::open_by_handle_at(mount, handle.get(), O_PATH | O_CLOEXEC), path);
    const int number = errno;
    ::close(mount);
    const bool gone = file.fd_ < 0 ? number == ESTALE && same : is_removed(file.fd_);
    if (gone) return missing(ErrorCode::kNotFound);
    if (file.fd_ >= 0 && file.is(identity)) return file;
  }
  return missing(ErrorCode::kUnavailable);
}

Result<FoundFile> FoundFile::find(const fs::path& path, const json& identity) {
  if (auto there = open(path); there && there->is(identity)) return there;
  auto by_handle = find_by_handle(path, identity);
  if (by_handle || by_handle.error().code == ErrorCode::kNotFound) return by_handle;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), error)) {
    auto other = open(entry.path());
    if (other && other->is(identity)) return other;
  }
  return fail(ErrorCode::kUnavailable,
              cat(path.string(), " was removed, or moved to where it was not found"));
}

Result<struct stat> FoundFile::facts() const {
  struct stat facts {};
  if (::fstat(fd_, &facts) != 0) return failed(path_);
  return facts;
}

Status FoundFile::set_mode(mode_t mode) const {
  if (::chmod(through(fd_).c_str(), mode) != 0) return failed(path_);
  return {};
}

Result<std::string> FoundFile::read(std::int64_t offset, std::size_t size) const {
  int fd = ::open(through(fd_).c_str(), kRead | O_NOATIME);
  if (fd < 0 && errno == EPERM) fd = ::open(through(fd_).c_str(), kRead);
  if (fd < 0) return failed(path_);
  std::string text(size, '\0');
  std::size_t done = 0;
  ssize_t got = 1;
  while (got > 0 && done < size) {
    got = ::pread(fd, text.data() + done, size - done, offset + static_cast<std::int64_t>(done));
    if (got > 0) done += static_cast<std::size_t>(got);
  }
  const int number = errno;
  ::close(fd);
  errno = number;
  if (got < 0) return failed(path_);
  text.resize(done);
  return text;
}

bool FoundFile::is_hole(std::int64_t from, std::int64_t to) const {
  const int fd = ::open(through(fd_).c_str(), kRead);
  struct stat facts {};
  if (fd < 0 || ::fstat(fd, &facts) != 0) return false;
  const auto block = static_cast<std::int64_t>(facts.st_blksize);
  const std::int64_t hole = ::lseek(fd, from, SEEK_HOLE);
  const std::int64_t data = hole < 0 ? -1 : ::lseek(fd, hole, SEEK_DATA);
  const bool to_its_end = hole >= 0 && data < 0 && errno == ENXIO;
  ::close(fd);
  if (hole < 0 || hole >= to || hole - from >= block) return false;
  return to_its_end || (data >= 0 && to - data < block);
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      mode_(other.mode_),
      times_(other.times_),
      capabilities_(std::move(other.capabilities_)) {}
FileWriter::~FileWriter() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FileWriter> FileWriter::open(const FoundFile& file) {
  FileWriter writer(::open(through(file.fd_).c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (writer.fd_ < 0) return failed(file.path_);
  if (auto noted = writer.note(); !noted) return fail(noted.error(), file.path_.string());
  return writer;
}

Status FileWriter::note() {
  struct stat facts {};
  if (::fstat(fd_, &facts) != 0) return failed("stat");
  mode_ = facts.st_mode & 07777;
  times_ = {facts.st_atim, facts.st_mtim};
  std::array<char, kCapabilitiesMax> value{};
  const ssize_t size = ::fgetxattr(fd_, kCapabilities, value.data(), value.size());
  if (size > 0) capabilities_.assign(value.data(), static_cast<std::size_t>(size));
  return {};
}

Status FileWriter::write(std::int64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(fd_, bytes.data(), bytes.size(), offset);
    if (wrote <= 0) return failed("write");
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
    offset += wrote;
  }
  return {};
}

Status FileWriter::truncate(std::int64_t size) {
  return ::ftruncate(fd_, size) == 0 ? Status() : Status(failed("truncate"));
}

Result<std::int64_t> FileWriter::append(std::string_view bytes) {
  const int flags = ::fcntl(fd_, F_GETFL);
  if (::fcntl(fd_, F_SETFL, flags | O_APPEND) != 0) return failed("append");
  const ssize_t wrote = ::write(fd_, bytes.data(), bytes.size());
  const int number = wrote < 0 ? errno : ENOSPC;  // a part of it: the disk is full
  const off_t end = ::lseek(fd_, 0, SEEK_CUR);
  (void)::fcntl(fd_, F_SETFL, flags);
  errno = number;
  if (wrote != static_cast<ssize_t>(bytes.size())) return failed("append");
  return end;
}

Status FileWriter::finish() {
  struct stat facts {};
  if (::fstat(fd_, &facts) != 0) return failed("stat");
  if ((facts.st_mode & 07777) != mode_ && ::fchmod(fd_, mode_) != 0) return failed("chmod");
  if (!capabilities_.empty() &&
      ::fsetxattr(fd_, kCapabilities, capabilities_.data(), capabilities_.size(), 0) != 0) {
    return failed(kCapabilities);
  }
  if (::futimens(fd_, times_.data()) != 0) return failed("set times");
  return ::fsync(fd_) == 0 ? Status() : Status(failed("sync"));
}

}  // namespace panshi::agent
