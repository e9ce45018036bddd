// SPDX-License-Identifier: Apache-2.0
#include "agents/other_reverter.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>

#include "agents/agent.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/process.h"
#include "core/io/process_table.h"

namespace panshi::agent {
namespace {

// When the file was last written: a lock is written when it is taken.
std::string written_at(const std::filesystem::path& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) return {};
  std::tm time{};
  std::array<char, 40> text{};
  if (::gmtime_r(&about.st_mtim.tv_sec, &time) == nullptr) return {};
  if (std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &time) == 0) return {};
  return text.data();
}

std::vector<std::string> records_in(const std::filesystem::path& folder) {
  std::vector<std::string> ids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".json") ids.push_back(entry.path().stem().string());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

std::string OtherReverter::text() const {
  constexpr std::size_t kShown = 10;
  std::vector<std::string> shown = left;
  if (shown.size() > kShown) {
    shown.resize(kShown);
    shown.push_back(cat(left.size() - kShown, " more"));
  }
  return cat(
      is_guardian ? "the guardian of the agent that ran here" : "another `revert-all`",
      " (process ", pid, ") has been reverting since ", since,
      shown.empty() ? "; every fault is over by now" : "; not over yet: ", join(shown, ", "));
}

std::optional<OtherReverter> other_reverter(const AgentConfig& config) {
  const auto lock = config.state / "agent.lock";
  OtherReverter other{.pid = LockFile::holder(lock), .since = {}, .left = {}};
  if (other.pid <= 0) return std::nullopt;
  const auto arguments = split(read_file(cat("/proc/", other.pid, "/cmdline")).value_or(""), '\0');
  if (arguments.size() < 2 || arguments[1] != "revert-all") return std::nullopt;
  other.is_guardian = !started_with(other.pid, "PANSHI_PREDECESSOR").empty();
  other.since = written_at(lock);
  other.left = records_in(fault_options(config).directory);
  return other;
}

bool guardian_lives(const AgentConfig& config) {
  ProcessName recorded;
  std::ifstream(config.state / "guardian") >> recorded.pid >> recorded.start_ticks;
  if (recorded.pid <= 0) return false;
  const auto now = name_process(recorded.pid);
  return now && *now == recorded;
}

}  // namespace panshi::agent
