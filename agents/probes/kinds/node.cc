// SPDX-License-Identifier: Apache-2.0
// disk, memory and pressure: what the node itself has left. Each on a thread of its own, because a
// look at a dead network file system never ends.
#include <sys/statvfs.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agents/probes/kinds/parts.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi::agent {
namespace {

// The number after `name` in "name: 123 kB" or "name=1.5 …"; none when it is not there.
std::optional<double> after(const std::string& text, const std::string& name) {
  const std::size_t at = text.find(name);
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + name.size(), nullptr);
}

ProbeAnswer left(std::array<std::string, 2> names, double free, double all, double percent_min) {
  const double percent = all > 0 ? 100 * free / all : 0;
  ProbeAnswer answer{"", {{names[0], free}, {names[1], percent}}};
  if (percent < percent_min) {
    answer.reason = cat(percent, " % are left, ", percent_min, " % are wanted");
  }
  return answer;
}

ProbeAnswer look_at_disk(const ProbeTarget& target) {
  struct statvfs disk {};
  if (::statvfs(target.path.c_str(), &disk) != 0) {
    return {cat(target.path, ": ", std::strerror(errno)), {}};
  }
  const auto block = static_cast<double>(disk.f_frsize);
  const auto used = static_cast<double>(disk.f_blocks - disk.f_bfree);
  const auto free = static_cast<double>(disk.f_bavail);
  return left({"free_bytes", "free_percent"}, free * block, (used + free) * block,
              target.percent_min);
}

ProbeAnswer look_at_memory(const ProbeTarget& target) {
  const auto text = read_file("/proc/meminfo");
  if (!text) return {text.error().message, {}};
  const auto all = after(*text, "MemTotal:");
  const auto available = after(*text, "MemAvailable:");
  if (!all || !available) return {"/proc/meminfo does not tell what is available", {}};
  return left({"available_bytes", "available_percent"}, *available * 1024, *all * 1024,
              target.percent_min);
}

ProbeAnswer look_at_pressure(const ProbeTarget& target) {
  const auto text = read_file(cat("/proc/pressure/", target.resource));
  if (!text) return {cat("this kernel tells no pressure: ", text.error().message), {}};
  const auto some = after(*text, "some avg10=");
  if (!some) return {"this kernel tells no pressure", {}};
  ProbeAnswer answer{"", {{"some", *some}}};
  if (const auto full = after(*text, "full avg10=")) answer.values.emplace_back("full", *full);
  if (*some > target.percent_max) {
    answer.reason =
        cat("somebody waited ", *some, " % of the time, ", target.percent_max, " % are allowed");
  }
  return answer;
}

}  // namespace

void read_disk(Fields& in, ProbeTarget& target) {
  in.need("path", target.path);
  if (!target.path.empty() && !target.path.starts_with('/'))
    in.problem("path", "must begin with /");
  in.may("free_min", target.percent_min, {0, 100});
}
void read_memory(Fields& in, ProbeTarget& target) {
  in.may("available_min", target.percent_min, {0, 100});
}
void read_pressure(Fields& in, ProbeTarget& target) {
  static const std::array<std::string, 3> kResources = {"cpu", "memory", "io"};
  in.need_word("of", target.resource, kResources);
  in.may("some_max", target.percent_max, {0, 100});
}

ProbeAsk ask_disk(const ProbeTarget& target, Duration) {
  return [target] { return look_at_disk(target); };
}
ProbeAsk ask_memory(const ProbeTarget& target, Duration) {
  return [target] { return look_at_memory(target); };
}
ProbeAsk ask_pressure(const ProbeTarget& target, Duration) {
  return [target] { return look_at_pressure(target); };
}

}  // namespace panshi::agent
