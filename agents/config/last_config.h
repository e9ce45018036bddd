// SPDX-License-Identifier: Apache-2.0
// The copy of its configuration that an agent keeps beside its faults. Whoever edits the file while
// a fault is in force may have broken it, or named another state, by the time that somebody has to
// revert: then what the agent ran with counts.
#pragma once

#include <filesystem>
#include <string>

#include "agents/config/config.h"

namespace panshi::agent {

struct LoadedConfig {
  AgentConfig config;
  std::string text;  // that it was read from
};

// The configuration `file`, as it stands in `from`. Errors as read_config(); kNotFound.
Result<LoadedConfig> load_config(const std::filesystem::path& from, const std::string& file);

// Where the copy of an agent with this state is.
std::filesystem::path last_config(const std::filesystem::path& state);
// The same when all that can be read of `file` is its line `state:`; "" when not even that.
std::filesystem::path last_config_of(const std::string& file);
// As the agent ran with it, if nobody else can have changed it. kNotFound, kRefused, kInvalid.
Result<LoadedConfig> load_last_config(const std::filesystem::path& copy, const std::string& file);

}  // namespace panshi::agent
