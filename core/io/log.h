// SPDX-License-Identifier: Apache-2.0
// Logs: one line an event on stderr or a rotated file, never a secret. Any thread.
// The only user of spdlog.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace panshi {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

// `program` starts each line. An empty file means stderr; else 10 MiB × 3 files.
void open_log(std::string_view program, LogLevel level, const std::filesystem::path& file = {});
void log_debug(std::string_view line);
void log_info(std::string_view line);
void log_warn(std::string_view line);
void log_error(std::string_view line);

}  // namespace panshi
