// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/fault_journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

constexpr const char* kEndedFile = "ended.jsonl";

nlohmann::json to_json(const FaultFacts& facts) {
  return {{"id", facts.id},         {"epoch", facts.epoch},   {"kind", facts.kind},
          {"target", facts.target}, {"params", facts.params}, {"lease_ms", facts.lease_ms},
          {"drill", facts.drill}};
}

Result<FaultFacts> facts_from(const nlohmann::json& json) {
  Problems problems;
  FaultFacts facts;
  std::int64_t epoch = 0;
  Fields in(json, "fault", problems);
  in.need("id", facts.id);
  in.may("epoch", epoch);
  in.may("kind", facts.kind);
  if (const auto* target = in.may_value("target")) facts.target = *target;
  if (const auto* params = in.may_value("params")) facts.params = *params;
  in.may("lease_ms", facts.lease_ms);
  in.may("drill", facts.drill);
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  facts.epoch = static_cast<std::uint64_t>(epoch);
  return facts;
}

nlohmann::json time_json(const std::optional<WallTime>& time) {
  return time ? nlohmann::json(to_us(*time)) : nlohmann::json();
}

std::optional<WallTime> time_from(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_integer()) return std::nullopt;
  return from_us(found->get<std::int64_t>());
}

tl::unexpected<Error> errno_error(const std::filesystem::path& file) {
  return fail(ErrorCode::kInternal, cat(file.string(), ": ", std::string(std::strerror(errno))));
}

// It says what root is to do to what.
Status check_ours(const std::filesystem::path& file) {
  struct stat facts {};
  if (::lstat(file.c_str(), &facts) != 0) return errno_error(file);
  if (!S_ISREG(facts.st_mode)) return fail(ErrorCode::kRefused, "is not a file");
  if (facts.st_uid != 0 && facts.st_uid != ::geteuid()) {
    return fail(ErrorCode::kRefused, cat("was written by user ", facts.st_uid));
  }
  return {};
}

Result<UndoRecord> read_record(const std::filesystem::path& file) {
  if (auto ours = check_ours(file); !ours) return tl::unexpected<Error>(ours.error());
  ASSIGN_OR_RETURN(const std::string text, read_file(file));
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(text, text.size()));
  if (!json.is_object() || !json.contains("fault")) {
    return fail(ErrorCode::kInvalid, "is not an undo record");
  }
  ASSIGN_OR_RETURN(FaultFacts facts, facts_from(json.at("fault")));
  return UndoRecord{std::move(facts), json.value("resolved", nlohmann::json::object()),
                    time_from(json, "at_us")};
}

Result<EndedFault> ended_from(const std::string& line) {
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(line));
  if (!json.is_object() || !json.contains("fault")) {
    return fail(ErrorCode::kInvalid, "is not an ended fault");
  }
  ASSIGN_OR_RETURN(FaultFacts facts, facts_from(json.at("fault")));
  return EndedFault{std::move(facts),
                    json.value("state", std::string("reverted")),
                    json.value("error", std::string()),
                    json.value("measured", nlohmann::json::object()),
                    json.value("reason", std::string()),
                    time_from(json, "live_us"),
                    time_from(json, "ended_us")};
}

std::string line_of(const EndedFault& ended) {
  return dump_json({{"fault", to_json(ended.facts)},
                    {"state", ended.state},
                    {"error", ended.error},
                    {"measured", ended.measured},
                    {"reason", ended.reason},
                    {"live_us", time_json(ended.live_at)},
                    {"ended_us", time_json(ended.ended_at)}}) +
         "\n";
}

std::vector<std::filesystem::path> record_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

bool FaultFacts::same_order(const FaultFacts& other) const {
  return kind == other.kind && target == other.target && params == other.params &&
         lease_ms == other.lease_ms && drill == other.drill;
}

Result<std::unique_ptr<FaultJournal>> FaultJournal::open(const std::filesystem::path& folder,
                                                         Contents& contents) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(ErrorCode::kInternal, cat(folder.string(), ": ", error.message()));
  for (const auto& file : record_files(folder)) {
    auto record = read_record(file);
    if (record && record->facts.id == file.stem().string()) {
      contents.in_force.push_back(std::move(*record));
    } else {
      contents.unreadable.emplace_back(file.string(),
                                       record ? "names another fault" : record.error().message);
    }
  }
  std::unique_ptr<FaultJournal> journal(new FaultJournal(folder));
  if (auto read = journal->read_ended(contents.ended); !read) return fail(read.error(), "faults");
  return journal;
}

// A line cut short by a crash belongs to a fault that still has its undo record.
Status FaultJournal::read_ended(std::deque<EndedFault>& ended) {
  const auto file = folder_ / kEndedFile;
  if (!std::filesystem::exists(file)) return {};
  ASSIGN_OR_RETURN(const std::string text, read_file(file, 64 << 20));
  for (const std::string& line : split(text, '\n')) {
    auto fault = ended_from(line);
    if (!fault) continue;
    ended.push_back(std::move(*fault));
    last_lines_.push_back(line + "\n");
    if (ended.size() <= kEndedMax) continue;
    ended.pop_front();
    last_lines_.pop_front();
  }
  // A full disk is no reason to leave faults in force: append() writes it whole then.
  if (auto shortened = shorten(); !shortened) lines_on_disk_ = 2 * kEndedMax;
  return {};
}

Status FaultJournal::shorten() {
  std::string text;
  for (const std::string& line : last_lines_) text += line;
  auto written = write_file_durably(folder_ / kEndedFile, text, 0600);
  if (written) lines_on_disk_ = last_lines_.size();
  return written;
}

Status FaultJournal::write(const UndoRecord& record) const {
  const nlohmann::json json{{"fault", to_json(record.facts)},
                            {"resolved", record.resolved},
                            {"at_us", time_json(record.at)}};
  return write_file_durably(folder_ / (record.facts.id + ".json"), dump_json_pretty(json), 0600);
}

Status FaultJournal::remove(const std::string& id) const {
  return remove_file_durably(folder_ / (id + ".json"));
}

Status FaultJournal::append(const EndedFault& ended) {
  const std::lock_guard lock(mutex_);
  last_lines_.push_back(line_of(ended));
  if (last_lines_.size() > kEndedMax) last_lines_.pop_front();
  if (lines_on_disk_ >= 2 * kEndedMax) return shorten();
  // If this fails half-way, the next call writes a whole file.
  const std::size_t lines = std::exchange(lines_on_disk_, 2 * kEndedMax) + 1;
  const auto file = folder_ / kEndedFile;
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return errno_error(file);
  const std::string& line = last_lines_.back();
  errno = 0;
  const bool written = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (!written && errno == 0) errno = ENOSPC;  // a part of it: the disk is full
  const bool durable = written && ::fdatasync(fd) == 0;
  Status status;
  if (durable) {
    lines_on_disk_ = lines;
  } else {
    status = fail(errno_error(file).value(), "write");
  }
  ::close(fd);
  return status;
}

std::vector<std::string> FaultJournal::ids_on_disk() const {
  std::vector<std::string> ids;
  for (const auto& file : record_files(folder_)) ids.push_back(file.stem().string());
  return ids;
}

}  // namespace panshi::agent
