// SPDX-License-Identifier: Apache-2.0
#include "core/io/files.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "core/base/text.h"
#include "core/io/process.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kTokenCharactersMin = 16;
constexpr std::size_t kTokenCharactersMax = 512;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close_now(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  bool close_now() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

tl::unexpected<Error> failed(std::string_view doing, const fs::path& path) {
  const int number = errno;
  const ErrorCode code = number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kInternal;
  return fail(code, cat(doing, " ", path.string(), ": ", std::strerror(number)));
}

Status write_all(int fd, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failed("write", path);
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// A rename or an unlink is on the disk only once its directory is.
Status sync_folder_of(const fs::path& path) {
  const fs::path folder = folder_of(path);
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return failed("open", folder);
  if (::fsync(directory.get()) != 0) return failed("sync", folder);
  return {};
}

// A file of our own beside `path`, written and on the disk. The caller renames or links it.
Result<fs::path> write_beside(const fs::path& path, std::string_view text, unsigned mode) {
  std::string name = cat(folder_of(path).string(), "/.", path.filename().string(), ".XXXXXX");
  Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (file.get() < 0) return failed("write", name);
  const auto finish = [&]() -> Status {
    if (auto wrote = write_all(file.get(), text, path); !wrote) return wrote;
    if (::fchmod(file.get(), mode) != 0) return failed("chmod", path);
    if (::fsync(file.get()) != 0) return failed("sync", path);
    if (!file.close_now()) return failed("close", path);
    return {};
  };
  if (auto finished = finish(); !finished) {
    ::unlink(name.c_str());
    return tl::unexpected<Error>(finished.error());
  }
  return fs::path(name);
}

Status check_private(const fs::path& path) {
  struct stat about = {};
  if (::stat(path.c_str(), &about) != 0) return failed("read", path);
  if ((about.st_mode & 077) == 0) return {};
  return fail(ErrorCode::kRefused, cat(path.string(), " holds a secret but others may read it: ",
                                       "chmod 600 it, and change the secret"));
}

}  // namespace

Result<std::string> random_token() {
  std::array<unsigned char, kTokenBytes> bytes = {};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return failed("read", "the kernel's random numbers");
  }
  std::string token;
  for (const unsigned char byte : bytes) {
    token += "0123456789abcdef"[byte >> 4];
    token += "0123456789abcdef"[byte & 15];
  }
  return token;
}

namespace {

// Opening a named pipe waits for its writer, for ever if there is none. One without a name, as a
// shell gives for `<(command)`, has one.
Status check_readable(int file, const fs::path& path) {
  struct stat about = {};
  struct statfs system = {};
  if (::fstat(file, &about) != 0) return failed("read", path);
  if (S_ISREG(about.st_mode)) return {};  // O_NONBLOCK means nothing to it
  if (::fstatfs(file, &system) != 0) return failed("read", path);
  const bool unnamed = S_ISFIFO(about.st_mode) && system.f_type == PIPEFS_MAGIC;
  if (S_ISCHR(about.st_mode) || S_ISDIR(about.st_mode) || unnamed) {
    const int flags = ::fcntl(file, F_GETFL);
    return ::fcntl(file, F_SETFL, flags & ~O_NONBLOCK) == 0 ? Status()
                                                            : Status(failed("read", path));
  }
  return fail(ErrorCode::kRefused, cat(path.string(), " is not a regular file"));
}

}  // namespace

Result<std::string> read_file(const fs::path& path, std::size_t size_max) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return failed("read", path);
  if (auto fine = check_readable(file.get(), path); !fine) return tl::unexpected(fine.error());
  std::string text;
  std::array<char, 16 << 10> buffer;
  while (true) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path);
    if (got == 0) return text;
    if (text.size() + static_cast<std::size_t>(got) > size_max) {
      return fail(ErrorCode::kRefused,
                  cat("read ", path.string(), ": longer than ", size_max, " bytes"));
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Status write_file_durably(const fs::path& path, std::string_view text, unsigned mode) {
  ASSIGN_OR_RETURN(const fs::path fresh, write_beside(path, text, mode));
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const auto error = failed("write", path);
    ::unlink(fresh.c_str());
    return error;
  }
  return sync_folder_of(path);
}

Status remove_file_durably(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("remove", path);
  // Also when it was absent: whoever removed it may have died before the directory was written.
  if (auto synced = sync_folder_of(path); !synced && synced.error().code != ErrorCode::kNotFound) {
    return synced;
  }
  return {};
}

std::optional<std::uint32_t> owner_of(const fs::path& path) {
  struct stat about = {};
  return ::stat(path.c_str(), &about) == 0 ? std::optional(about.st_uid) : std::nullopt;
}

Result<std::string> read_token(const fs::path& path) {
  ASSIGN_OR_RETURN(std::string token, read_file(path, kTokenCharactersMax));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const bool plain =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (plain && token.size() >= kTokenCharactersMin) {
    never_show(token);
    return token;
  }
  const bool is_short = plain && !token.empty();
  return fail(ErrorCode::kInvalid,
              cat(path.string(), " is not a token: ",
                  is_short ? cat(token.size(), " characters can be guessed; ") : std::string(),
                  "expected one line of ", kTokenCharactersMin, " to ", kTokenCharactersMax,
                  " printable ASCII characters without blanks"));
}

Result<std::string> load_or_make_token(const fs::path& path, std::string_view prefix) {
  if (auto ours = check_private(path); !ours && ours.error().code != ErrorCode::kNotFound) {
    return tl::unexpected(ours.error());
  }
  auto found = read_token(path);
  if (found || found.error().code != ErrorCode::kNotFound) return found;
  ASSIGN_OR_RETURN(const std::string token, random_token());
  ASSIGN_OR_RETURN(const fs::path fresh, write_beside(path, cat(prefix, token, "\n"), 0600));
  // A link never replaces: of two that start at once, one makes the token and both read it.
  const bool linked = ::link(fresh.c_str(), path.c_str()) == 0 || errno == EEXIST;
  const auto error = failed("write", path);
  ::unlink(fresh.c_str());
  if (!linked) return error;
  if (auto synced = sync_folder_of(path); !synced) return tl::unexpected<Error>(synced.error());
  return read_token(path);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;  // the length of a token is no secret
  int difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

namespace {

constexpr auto kDyingWithin = std::chrono::seconds(5);
constexpr auto kBetweenTries = std::chrono::milliseconds(5);

std::string holder_of(const fs::path& path) {
  std::string holder = read_file(path, 64).value_or("");
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return holder;
}

// Killed, and shown as a zombie by its first thread while another still lets go of what it had; or
// on its way there: without memory by now, or with the signal that ends it still to be heard.
bool is_dying(const std::string& holder) {
  pid_t pid = 0;
  (void)std::from_chars(holder.data(), holder.data() + holder.size(), pid);
  const char state = pid > 0 ? process_state(pid) : 'R';
  if (state == 'Z' || state == 'X' || state == 0) return true;
  const std::string status = read_file(cat("/proc/", pid, "/status")).value_or("");
  if (status.find("\nVmSize:") == std::string::npos) return true;
  constexpr std::string_view kPending = "\nShdPnd:\t";
  const auto pending = status.find(kPending);
  if (pending == std::string::npos) return false;
  const std::uint64_t signals = std::strtoull(&status[pending + kPending.size()], nullptr, 16);
  return (signals >> (SIGKILL - 1) & 1U) != 0;
}

// The kernel's line "1: FLOCK  ADVISORY  WRITE 812 fd:00:1234 0 EOF" of the file, from the pid on.
std::optional<std::string> lock_line(const fs::path& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return std::nullopt;
  std::array<char, 64> name{};
  std::snprintf(name.data(), name.size(), " %02x:%02x:%lu ", major(file.st_dev), minor(file.st_dev),
                static_cast<unsigned long>(file.st_ino));
  const std::string locks = read_file("/proc/locks").value_or("");
  const auto at = locks.find(name.data());
  if (at == std::string::npos) return std::nullopt;
  return locks.substr(locks.find_last_of(' ', at - 1) + 1, at);
}

}  // namespace

Result<LockFile> LockFile::acquire(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return failed("lock", path);
  LockFile lock(fd);
  const auto until = std::chrono::steady_clock::now() + kDyingWithin;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed("lock", path);
    const pid_t seen = LockFile::holder(path);
    const std::string holder = seen > 0 ? std::to_string(seen) : holder_of(path);
    if (!is_dying(holder) || std::chrono::steady_clock::now() > until) {
      return fail(ErrorCode::kConflict,
                  cat(path.string(), " is held by process ", holder.empty() ? "?" : holder));
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
  // Over what stands there, which needs no room. Where there is none for it the lock is ours all
  // the same: a full disk is no reason to leave faults in force.
  const std::string mine = cat(::getpid(), "\n");
  const auto size = static_cast<ssize_t>(mine.size());
  const bool wrote = ::pwrite(fd, mine.data(), mine.size(), 0) == size;
  if (::ftruncate(fd, wrote ? size : 0) != 0) return failed("lock", path);
  ::futimens(fd, nullptr);  // held since now, also where the pid is that of the last one
  return lock;
}

bool LockFile::is_held(const fs::path& path) { return lock_line(path).has_value(); }

pid_t LockFile::holder(const fs::path& path) {
  const std::string line = lock_line(path).value_or("");
  pid_t pid = 0;
  (void)std::from_chars(line.data(), line.data() + line.size(), pid);
  return std::max(pid, 0);
}

LockFile::LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
LockFile& LockFile::operator=(LockFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
LockFile::~LockFile() {
  // The file stays: whoever removed it could remove one that another process has locked by now.
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace panshi
