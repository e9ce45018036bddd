// SPDX-License-Identifier: Apache-2.0
// Logs: one line an event on stderr or a rotated file, never a secret. Any thread.
//
// "program 2026-03-04T14:00:00.123Z info what happened". Control characters in a line are made
// harmless, so a peer cannot write lines of its own. The only user of spdlog.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace panshi {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

// `program` starts each line. An empty file means stderr; else 10 MiB × 3 files. A file that cannot
// be opened is reported on stderr, which is then used instead.
// REQUIRES: called in main() before any other thread logs. Before it, lines go to stderr.
void open_log(std::string_view program, LogLevel level, const std::filesystem::path& file = {});
void log_debug(std::string_view line);
void log_info(std::string_view line);
void log_warn(std::string_view line);
void log_error(std::string_view line);

}  // namespace panshi
