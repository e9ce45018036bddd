// SPDX-License-Identifier: Apache-2.0
#include "core/io/cgroups.h"

#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi {

std::filesystem::path cgroup_mount() {
  const auto text = read_file("/proc/self/mountinfo", 1 << 20);
  if (!text) return {};
  for (const std::string& line : split(*text, '\n')) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    const std::vector<std::string> words = words_of(line);  // proc(5): id, parent, device, root, …
    if (words.size() > 4 && words[3] == "/") return words[4];
  }
  return {};
}

std::string cgroup_of(pid_t pid) {
  constexpr std::string_view kVersion2 = "0::";
  const auto text = read_file(cat("/proc/", pid, "/cgroup"), 64 << 10);
  if (!text) return {};
  for (const std::string& line : split(*text, '\n')) {
    if (line.starts_with(kVersion2)) return line.substr(kVersion2.size());
  }
  return {};
}

}  // namespace panshi
