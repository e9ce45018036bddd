// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/file/kept_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> failed(const fs::path& path) {
  return fail(ErrorCode::kUnavailable, cat(path.string(), ": ", std::string(std::strerror(errno))));
}

timespec time_from(const nlohmann::json& facts, const char* name) {
  return {.tv_sec = facts.at(name).at(0), .tv_nsec = facts.at(name).at(1)};
}

}  // namespace

Result<nlohmann::json> KeptFile::look(const fs::path& path) {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) return failed(path);
  if (!S_ISREG(facts.st_mode)) return fail(ErrorCode::kRefused, cat(path.string(), ": no file"));
  if (facts.st_size == 0 || facts.st_size > kSizeMax) {
    return fail(ErrorCode::kRefused, cat(path.string(), " has ", facts.st_size,
                                         " bytes; from 1 to ", kSizeMax, " can be kept aside"));
  }
  return nlohmann::json{{"path", path.string()},
                        {"device", facts.st_dev},
                        {"inode", facts.st_ino},
                        {"size", facts.st_size},
                        {"mode", facts.st_mode & 07777},
                        {"user", facts.st_uid},
                        {"group", facts.st_gid},
                        {"read_at", {facts.st_atim.tv_sec, facts.st_atim.tv_nsec}},
                        {"written_at", {facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec}}};
}

KeptFile::KeptFile(const nlohmann::json& facts, fs::path copy)
    : facts_(facts), path_(facts.at("path").get<std::string>()), copy_(std::move(copy)) {}

Status KeptFile::keep() const {
  std::error_code error;
  fs::create_directories(copy_.parent_path(), error);
  ASSIGN_OR_RETURN(const std::string content, read_file(path_, kSizeMax));
  if (auto written = write_file_durably(copy_, content, 0600); !written) return written;
  // Looked for after ours is there: of two at the same time, at least one sees the other.
  for (const auto& other : fs::directory_iterator(copy_.parent_path(), error)) {
    if (other.path() == copy_ || other.path().extension() != kEnding) continue;
    (void)remove_file_durably(copy_);  // nothing is broken yet, so nothing must be put back
    return fail(ErrorCode::kConflict,
                cat("fault ", other.path().stem().string(), " breaks a file of this node already"));
  }
  return {};
}

Result<std::string> KeptFile::original() const { return read_file(copy_, kSizeMax); }

bool KeptFile::is_same() const {
  struct stat now {};
  return ::lstat(path_.c_str(), &now) == 0 && now.st_dev == facts_.at("device").get<dev_t>() &&
         now.st_ino == facts_.at("inode").get<ino_t>();
}

// Whoever was killed while it wrote one has broken nothing yet.
void KeptFile::remove_torn_copies() const {
  const std::string beginning = cat(".", copy_.filename().string(), ".");
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(copy_.parent_path(), error)) {
    if (!entry.path().filename().string().starts_with(beginning)) continue;
    fs::remove(entry.path(), error);
  }
}

Status KeptFile::put_back() const {
  remove_torn_copies();
  if (!fs::exists(copy_)) return {};
  if (is_same()) {
    ASSIGN_OR_RETURN(const std::string content, original());
    if (auto written = write(content); !written) return written;
  }
  return remove_file_durably(copy_);
}

Status KeptFile::write(const std::string& content) const {
  const auto mode = facts_.at("mode").get<mode_t>();
  // First readable by us: who is not root could not open it otherwise.
  if (::chmod(path_.c_str(), mode | S_IWUSR) != 0) return failed(path_);
  const int file = ::open(path_.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return failed(path_);
  bool good = true;
  for (std::size_t done = 0; good && done < content.size();) {
    const ssize_t got =
        ::pwrite(file, content.data() + done, content.size() - done, static_cast<off_t>(done));
    good = got > 0;
    if (good) done += static_cast<std::size_t>(got);
  }
  const std::array times = {time_from(facts_, "read_at"), time_from(facts_, "written_at")};
  good = good && ::ftruncate(file, static_cast<off_t>(content.size())) == 0 &&
         ::fchown(file, facts_.at("user").get<uid_t>(), facts_.at("group").get<gid_t>()) == 0 &&
         ::fchmod(file, mode) == 0 && ::futimens(file, times.data()) == 0 && ::fsync(file) == 0;
  const Status status = good ? Status() : failed(path_);
  ::close(file);
  return status;
}

}  // namespace panshi::agent
