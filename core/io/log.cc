// SPDX-License-Identifier: Apache-2.0
#include "core/io/log.h"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>

#include "core/base/struck.h"
#include "core/base/text.h"

namespace panshi {
namespace {

constexpr std::size_t kFileBytesMax = 10 << 20;
constexpr std::size_t kOlderFiles = 2;  // three with the current one
constexpr std::size_t kLineBytesMax = 8 << 10;
constexpr const char* kPattern = "%n %Y-%m-%dT%H:%M:%S.%eZ %l %v";

std::shared_ptr<spdlog::logger> make_logger(std::string_view program, spdlog::sink_ptr sink,
                                            spdlog::level::level_enum level) {
  auto logger = std::make_shared<spdlog::logger>(std::string(program), std::move(sink));
  logger->set_pattern(kPattern, spdlog::pattern_time_type::utc);
  logger->set_level(level);
  logger->flush_on(spdlog::level::debug);  // the last lines before a crash are the ones wanted
  return logger;
}

spdlog::sink_ptr stderr_sink() { return std::make_shared<spdlog::sinks::stderr_sink_mt>(); }

// Before open_log(), stderr: stdout belongs to what a program answers.
std::shared_ptr<spdlog::logger>& current() {
  static std::shared_ptr<spdlog::logger> logger =
      make_logger("panshi", stderr_sink(), spdlog::level::info);
  return logger;
}

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// One line an event, whatever a child process or a peer put into the text, and no secret in it.
std::string one_line(std::string_view line) {
  std::string out;
  for (const char c : printable(struck_head(line, kLineBytesMax))) {
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c == '\t' ? ' ' : c;
    }
  }
  if (line.size() > kLineBytesMax) out += "…";
  return out;
}

void write(spdlog::level::level_enum level, std::string_view line) {
  const auto& logger = current();
  if (logger->should_log(level)) logger->log(level, spdlog::string_view_t(one_line(line)));
}

}  // namespace

void open_log(std::string_view program, LogLevel level, const std::filesystem::path& file) {
  current() = make_logger(program, stderr_sink(), level_of(level));
  if (file.empty()) return;
  try {
    current() = make_logger(program,
                            std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
                                file.string(), kFileBytesMax, kOlderFiles),
                            level_of(level));
  } catch (const std::exception& problem) {
    log_error(std::string("log to stderr: ") + problem.what());
  }
}

void log_debug(std::string_view line) { write(spdlog::level::debug, line); }
void log_info(std::string_view line) { write(spdlog::level::info, line); }
void log_warn(std::string_view line) { write(spdlog::level::warn, line); }
void log_error(std::string_view line) { write(spdlog::level::err, line); }

}  // namespace panshi
