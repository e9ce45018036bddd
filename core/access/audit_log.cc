// SPDX-License-Identifier: Apache-2.0
#include "core/access/audit_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/log.h"
#include "core/io/mac.h"
#include "core/io/secret.h"
#include "core/json/fields.h"

namespace panshi {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t kLineMax = 64 << 10;

fs::path file_of(const fs::path& folder, int age) {
  return age == 0 ? folder / "audit.log" : folder / cat("audit.log.", age);
}

bool is_secret(const std::string& key) {
  static constexpr std::array kWords = {"password",   "passphrase", "secret",  "token",
                                        "credential", "apikey",     "api_key", "authorization"};
  const std::string name = lower(key);
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](const char* word) { return name.find(word) != std::string::npos; });
}

Json redacted(const Json& json) {
  if (json.is_array()) {
    Json out = Json::array();
    for (const Json& item : json) out.push_back(redacted(item));
    return out;
  }
  if (!json.is_object()) return json;
  Json out = Json::object();
  for (const auto& [key, value] : json.items()) {
    out[key] = is_secret(key) ? Json("(struck out)") : redacted(value);
  }
  return out;
}

Json shown(const Json& body) {
  Json safe = json_without_secrets(redacted(body));
  const std::string text = dump_json(safe);
  if (text.size() <= AuditLog::kBodyMax) return safe;
  return {{"cut", dump_json(text.substr(0, AuditLog::kBodyMax))}, {"sha256", sha256_of(text)}};
}

// In ASCII alone: what a peer sent does nothing to the terminal that shows a line.
std::string written(const Json& line) {
  return line.dump(-1, ' ', true, Json::error_handler_t::replace);
}

// Of a line without its own `hash`; it holds the hash of the line before.
std::string hash_of(const Json& line) { return sha256_of(written(line)); }

std::vector<std::string> lines_in(const fs::path& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  return lines;
}

// Where the lines behind number `after` begin. Numbers grow, so that a page costs no look at every
// line before it; a line that is not ours goes with the next one that is.
std::size_t first_after(const std::vector<std::string>& lines, std::int64_t after) {
  if (after <= 0) return 0;
  std::size_t low = 0;
  std::size_t high = lines.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    std::size_t known = middle;
    while (known < high && audit_number(lines[known]) == 0) ++known;
    if (known < high && audit_number(lines[known]) <= after) {
      low = known + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace

std::int64_t audit_number(const std::string& line) {
  const auto json = parse_json(line, kLineMax);
  if (!json || !json->is_object() || !json->contains("n")) return 0;
  const Json& n = json->at("n");
  return n.is_number_integer() ? n.get<std::int64_t>() : 0;
}

Result<std::unique_ptr<AuditLog>> AuditLog::open(fs::path folder, std::size_t file_max) {
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(folder), file_max));
  if (auto loaded = log->load(); !loaded) return tl::unexpected(loaded.error());
  return log;
}

AuditLog::~AuditLog() {
  if (fd_ >= 0) ::close(fd_);
}

Status AuditLog::open_file() {
  const fs::path file = file_of(folder_, 0);
  // Not blocking: a named pipe in its place would hold us for ever.
  fd_ = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
               0600);
  struct stat there {};
  if (fd_ >= 0 && ::fstat(fd_, &there) == 0 && !S_ISREG(there.st_mode)) {
    return fail(ErrorCode::kInvalid, cat(file.string(), " is not a regular file"));
  }
  if (fd_ < 0 || ::fstat(fd_, &there) != 0 || ::fchmod(fd_, 0600) != 0) {
    return fail(ErrorCode::kInternal, cat(file.string(), ": ", std::strerror(errno)));
  }
  bytes_ = static_cast<std::size_t>(there.st_size);
  return {};
}

// Somebody may have moved or removed the file: what is written then must not be nowhere.
Status AuditLog::still_there() {
  struct stat ours {};
  struct stat there {};
  const std::filesystem::path file = file_of(folder_, 0);
  const bool same = fd_ >= 0 && ::fstat(fd_, &ours) == 0 && ::stat(file.c_str(), &there) == 0 &&
                    ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
  if (same) return {};
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  log_warn(cat(file.string(), ": was removed or renamed; the log goes on in a new one"));
  return open_file();
}

// Goes on from the last line. One that a crash or a full disk cut off tells of nothing that was
// done.
Status AuditLog::load() {
  if (auto opened = open_file(); !opened) return opened;
  std::vector<std::string> lines = lines_in(file_of(folder_, 0));
  std::size_t whole = 0;
  for (const std::string& line : lines) whole += line.size() + 1;
  if (whole > bytes_ && !lines.empty()) {
    log_warn(cat(file_of(folder_, 0).string(), ": its last line was cut off; it is taken away"));
    bytes_ = whole - lines.back().size() - 1;
    lines.pop_back();
    if (::ftruncate(fd_, static_cast<off_t>(bytes_)) != 0) {
      return fail(ErrorCode::kInternal, cat("audit.log: ", std::strerror(errno)));
    }
  }
  if (lines.empty()) lines = lines_in(file_of(folder_, 1));
  if (lines.empty()) return {};
  const auto last = parse_json(lines.back(), kLineMax);
  const bool good =
      last && last->is_object() && last->contains("hash") && (*last)["hash"].is_string();
  for (auto line = lines.rbegin(); line != lines.rend() && last_ == 0; ++line) {
    last_ = audit_number(*line);  // not 0 behind a line that is not ours
  }
  // Of a line that is not ours the chain says so; what comes after it holds all the same.
  head_ = good ? (*last)["hash"].get<std::string>() : sha256_of(lines.back());
  return {};
}

Status AuditLog::rotate() {
  std::error_code error;
  if (fs::exists(file_of(folder_, kFilesMax - 1), error)) {
    log_warn(cat(file_of(folder_, kFilesMax - 1).string(),
                 ": the oldest lines of the audit log are gone; `panshi audit export` keeps them"));
  }
  for (int age = kFilesMax - 1; age > 0; --age) {
    fs::rename(file_of(folder_, age - 1), file_of(folder_, age), error);  // perhaps not there yet
  }
  ::close(fd_);
  fd_ = -1;
  return open_file();
}

Status AuditLog::append(Json line) {
  if (bytes_ >= file_max_) {
    if (auto rotated = rotate(); !rotated) return rotated;
  }
  if (auto there = still_there(); !there) return there;
  line = json_without_secrets(line);  // also why a call was refused
  line["n"] = last_ + 1;
  line["prev"] = head_;
  const std::string hash = hash_of(line);
  line["hash"] = hash;
  const std::string text = written(line) + "\n";
  const ssize_t wrote = fd_ < 0 ? -1 : ::write(fd_, text.data(), text.size());
  if (wrote != static_cast<ssize_t>(text.size())) {
    const int problem = wrote < 0 ? errno : ENOSPC;
    // No half line: what follows would be a part of it.
    if (wrote > 0) (void)!::ftruncate(fd_, static_cast<off_t>(bytes_));
    return fail(ErrorCode::kUnavailable,
                cat("the audit log cannot be written: ", std::strerror(problem)));
  }
  bytes_ += text.size();
  ++last_;
  head_ = hash;
  return {};
}

// A stranger's flood takes no line from somebody whom we know, and pushes none out soon.
bool AuditLog::has_room(const std::string& who, bool is_refused, std::int64_t us) {
  if (us / 1'000'000 != second_) {
    second_ = us / 1'000'000;
    in_second_.clear();
  }
  if (++in_second_[who] > kRefusedPerSecond) return false;
  if (!is_refused) return true;  // what was done stands there, however often
  TokenBucket& lines = for_long_.try_emplace(who, kRefusedAtOnce, kRefusedForLong).first->second;
  lines.fill(MonoTime(Duration(us)));
  if (!lines.has(1)) return false;
  lines.take(1);
  return true;
}

Result<bool> AuditLog::write(const AuditEntry& entry, WallTime at) {
  const std::int64_t us = at.time_since_epoch().count();
  const std::lock_guard lock(mutex_);
  const bool is_refused = !entry.refused.empty();
  if ((is_refused || entry.often) && !has_room(entry.who, is_refused, us)) {
    ++skipped_;
    return false;
  }
  Json line = {{"at_us", us}, {"who", entry.who}, {"from", entry.from}, {"what", entry.what}};
  if (!entry.body.is_null()) line["body"] = shown(entry.body);
  if (!entry.refused.empty()) line["refused"] = entry.refused;
  if (skipped_ > 0) line["more"] = skipped_;
  if (auto appended = append(std::move(line)); !appended) {
    return tl::unexpected(appended.error());
  }
  skipped_ = 0;
  return true;
}

Result<std::vector<std::string>> AuditLog::read(std::int64_t after, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  const auto is_whole = [&] {
    return found.size() >= std::max<std::size_t>(limit, 1) && audit_number(found.back()) != 0;
  };
  for (int age = kFilesMax - 1; age >= 0 && !is_whole(); --age) {
    std::vector<std::string> lines = lines_in(file_of(folder_, age));
    auto line = lines.begin() + static_cast<std::ptrdiff_t>(first_after(lines, after));
    for (; line != lines.end() && !is_whole(); ++line) found.push_back(std::move(*line));
  }
  return found;
}

void AuditVerifier::take(const std::string& text) {
  ++lines_;
  const std::string place = cat("line ", lines_);
  auto line = parse_json(text, kLineMax);
  const auto word = [&](const char* key) {
    return line && line->is_object() && line->contains(key) && (*line)[key].is_string()
               ? (*line)[key].get<std::string>()
               : std::string();
  };
  const std::int64_t number = audit_number(text);
  const std::string hash = word("hash");
  const std::string before = word("prev");
  if (number == 0 || hash.empty()) {
    problems_.push_back(cat(place, " is not a line of an audit log"));
    return;
  }
  const bool as_written = written(*line) == text;  // the hash is of what it says, not of each byte
  line->erase("hash");
  if (!as_written || hash_of(*line) != hash)
    problems_.push_back(cat(place, " (number ", number, ") was changed"));
  if (first_ == 0) {
    first_ = number;
    if (number == 1 && !before.empty()) {
      problems_.push_back(cat(place, " is the first, and says that one was before it"));
    }
  } else if (number != last_ + 1) {
    problems_.push_back(cat(place, ": number ", number, " follows ", last_,
                            number > last_ ? "; lines were removed" : "; lines were put in"));
  } else if (before != hash_) {
    problems_.push_back(cat(place, " (number ", number,
                            ") does not follow the line before it, which was replaced"));
  }
  last_ = number;
  hash_ = hash;
  head_ = cat(number, ":", hash);
  found_ = found_ || head_ == wanted_;
}

}  // namespace panshi
