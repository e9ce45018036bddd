// SPDX-License-Identifier: Apache-2.0
#include "agents/config/last_config.h"

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/trusted_path.h"

namespace panshi::agent {
namespace {

constexpr std::size_t kConfigMax = 4 << 20;

}  // namespace

Result<LoadedConfig> load_config(const std::filesystem::path& from, const std::string& file) {
  ASSIGN_OR_RETURN(std::string text, read_file(from, kConfigMax));
  ASSIGN_OR_RETURN(AgentConfig config, read_config(text, file));
  return LoadedConfig{std::move(config), std::move(text)};
}

std::filesystem::path last_config(const std::filesystem::path& state) {
  return state / "config.last";
}

std::filesystem::path last_config_of(const std::string& file) {
  for (const std::string& each : split(read_file(file, kConfigMax).value_or(""), '\n')) {
    std::string line = trimmed(each);
    std::erase_if(line, [](char c) { return c == '"' || c == '\'' || c == ','; });
    if (!line.starts_with("state:")) continue;
    const std::string state = trimmed(line.substr(6, line.find(" #") - 6));
    return last_config(std::filesystem::absolute(file).parent_path() / state);
  }
  return {};
}

Result<LoadedConfig> load_last_config(const std::filesystem::path& copy, const std::string& file) {
  if (copy.empty()) return fail(ErrorCode::kNotFound, "no line `state:`");
  if (auto ours = check_trusted(copy); !ours) return tl::unexpected<Error>(ours.error());
  return load_config(copy, file);
}

}  // namespace panshi::agent
