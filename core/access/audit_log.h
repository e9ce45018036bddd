// SPDX-License-Identifier: Apache-2.0
// AuditLog: who did what at a program's API, and what was refused. A line of JSON each, chained by
// SHA-256 over the line before, so that a line that was changed, removed or put in shows.
//
// <folder>/audit.log, then audit.log.1 … of kFilesMax, kFileMax bytes each; mode 0600. A line is
// written before what it tells of is done, without waiting for the disk: it survives a crash of the
// program, a power cut may take the last seconds. Any thread.
//
// What a chain cannot show is that its end was cut off: for that, note its head elsewhere
// (`panshi audit verify` prints it, and takes one to look for).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/base/token_bucket.h"

namespace panshi {

struct AuditEntry {
  std::string who = {};      // "token alice", "node/n-1", "uid 0"; "": nobody
  std::string from = {};     // address
  std::string what = {};     // "POST /api/v1/halt"
  nlohmann::json body = {};  // secrets in it are struck out, and a long one is cut
  std::string refused = {};  // why; "": it was let in
  bool often = false;        // let in, and one of very many of this caller
};

class AuditLog {
 public:
  static constexpr std::size_t kFileMax = 16 << 20;
  static constexpr int kFilesMax = 16;
  static constexpr std::size_t kBodyMax = 2'000;  // bytes of a body's text
  // More in a second, of one that is known or of all that are not, are counted in the next line.
  static constexpr int kRefusedPerSecond = 20;
  // So many at once and for long: at the latter 256 MiB of lines are those of days, not of hours.
  static constexpr double kRefusedAtOnce = 600;
  static constexpr double kRefusedForLong = 1;  // a second

  static Result<std::unique_ptr<AuditLog>> open(std::filesystem::path folder,
                                                std::size_t file_max = kFileMax);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // False: only counted, with others of that second. An error: it is not there.
  Result<bool> write(const AuditEntry& entry, WallTime at);
  // The lines behind the one of number `after`, oldest first, `limit` or a few more: the last one
  // of a page has a number, and what somebody else wrote in between is in the next. Those in files
  // that are gone are missing.
  Result<std::vector<std::string>> read(std::int64_t after, std::size_t limit) const;

 private:
  AuditLog(std::filesystem::path folder, std::size_t file_max)
      : folder_(std::move(folder)), file_max_(file_max) {}
  Status load();
  Status open_file();
  Status still_there();
  Status rotate();
  Status append(nlohmann::json line);

  const std::filesystem::path folder_;
  const std::size_t file_max_;
  mutable std::mutex mutex_;
  int fd_ = -1;
  std::size_t bytes_ = 0;
  std::int64_t last_ = 0;  // number of the last line
  std::string head_;       // its hash
  std::int64_t second_ = 0;
  std::map<std::string, int> in_second_;         // refused or too many, by who it was
  std::map<std::string, TokenBucket> for_long_;  // the refused ones
  bool has_room(const std::string& who, bool is_refused, std::int64_t us);  // for one more
  std::int64_t skipped_ = 0;
};

// Its number in the log; 0: it is not a line of one.
std::int64_t audit_number(const std::string& line);

// Takes lines one after another, oldest first.
class AuditVerifier {
 public:
  void take(const std::string& line);

  std::int64_t lines() const { return lines_; }
  std::int64_t first() const { return first_; }  // its number
  std::int64_t last() const { return last_; }
  const std::string& head() const { return head_; }  // "12:9f86d0…"
  // REQUIRES: before take(). Whether `head` was the head at some line.
  void look_for(std::string head) { wanted_ = std::move(head); }
  bool found() const { return found_; }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::int64_t lines_ = 0;
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
  std::string hash_;
  std::string head_;
  std::string wanted_;
  bool found_ = false;
  std::vector<std::string> problems_;
};

}  // namespace panshi
