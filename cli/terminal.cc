// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::cli {
namespace {

void write(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

constexpr std::array<std::string_view, 6> kTones = {"\x1b[32m", "\x1b[31m", "\x1b[33m",
                                                    "\x1b[2m",  "\x1b[1m",  "\x1b[0m"};

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

}  // namespace

Terminal::Terminal(bool json) : json_(json), to_terminal_(isatty(STDOUT_FILENO) != 0) {
  const char* kind = std::getenv("TERM");
  const bool dumb = kind == nullptr || std::string_view(kind) == "dumb";
  live_ = isatty(json ? STDERR_FILENO : STDOUT_FILENO) != 0 && !dumb;
  colour_ = live_ && !is_set("NO_COLOR");
}

Terminal::~Terminal() { clear_status(); }

void Terminal::clear_status() {
  if (!status_shown_) return;
  write(json_ ? stderr : stdout, "\r\x1b[K");
  status_shown_ = false;
}

void Terminal::line(std::string_view text) {
  clear_status();
  write(json_ ? stderr : stdout, shown(text) + "\n");
}

void Terminal::status(std::string_view text) {
  if (!live_) return;
  write(json_ ? stderr : stdout, cat("\r\x1b[K", shown(text)));
  status_shown_ = true;
}

void Terminal::error(std::string_view text) {
  clear_status();
  write(stderr, cat(tone("bad", "panshi:"), " ", printable(text), "\n"));
}

void Terminal::document(const nlohmann::json& json) {
  clear_status();
  const std::string text = dump_json_pretty(json) + "\n";
  write(stdout, to_terminal_ ? printable(text) : text);
}

void Terminal::raw(std::string_view text) {
  clear_status();
  write(stdout, to_terminal_ ? printable(text) : std::string(text));
}

// Printable but for the colours that are ours.
std::string Terminal::shown(std::string_view text) const {
  std::string out;
  while (!text.empty()) {
    const auto escape = colour_ ? std::min(text.find('\x1b'), text.size()) : text.size();
    out += printable(text.substr(0, escape));
    text.remove_prefix(escape);
    const auto ours = std::find_if(kTones.begin(), kTones.end(),
                                   [&](std::string_view tone) { return text.starts_with(tone); });
    const std::size_t size =
        ours == kTones.end() ? std::min<std::size_t>(text.size(), 1) : ours->size();
    out += ours == kTones.end() && size > 0 ? "?" : std::string(text.substr(0, size));
    text.remove_prefix(size);
  }
  return out;
}

std::string Terminal::tone(std::string_view tone, std::string_view text) const {
  if (!colour_) return std::string(text);
  const char* code = tone == "good"     ? "32"
                     : tone == "bad"    ? "31"
                     : tone == "unsure" ? "33"
                     : tone == "soft"   ? "2"
                                        : "1";
  return cat("\x1b[", code, "m", text, "\x1b[0m");
}

std::size_t Terminal::columns() const {
  constexpr std::size_t kElsewhere = 240;
  winsize size{};
  const bool known = to_terminal_ && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return known && size.ws_col > 0 ? size.ws_col : kElsewhere;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  bool escape = false;
  for (const char c : text) {
    if (c == '\x1b') escape = true;
    if (!escape && (static_cast<unsigned char>(c) & 0xC0) != 0x80) ++columns;
    if (escape && c == 'm') escape = false;
  }
  return columns;
}

namespace {

constexpr std::size_t kGap = 2;  // between columns

std::vector<std::size_t> widths_of(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  return widths;
}

// Its first cells on screen, the last of them an ellipsis. Cells of tables have no colour.
std::string cut_to(const std::string& text, std::size_t columns) {
  if (columns_of(text) <= columns) return text;
  std::size_t end = 0;
  for (std::size_t taken = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (begins && ++taken == columns) break;
  }
  return text.substr(0, end) + "…";
}

}  // namespace

std::vector<std::vector<std::string>> fitted(std::vector<std::vector<std::string>> rows,
                                             std::size_t columns) {
  constexpr std::size_t kCellLeast = 16;
  const std::vector<std::size_t> widths = widths_of(rows);
  if (widths.empty()) return rows;
  const std::size_t gaps = kGap * (widths.size() - 1);
  const auto fits = [&](std::size_t most) {
    std::size_t all = gaps;
    for (const std::size_t width : widths) all += std::min(width, most);
    return all <= columns;
  };
  const std::size_t widest = *std::max_element(widths.begin(), widths.end());
  std::size_t most = std::min(kCellLeast, widest);
  while (most < widest && fits(most + 1)) ++most;
  for (std::size_t r = 1; r < rows.size(); ++r) {
    for (std::size_t i = 0; i < rows[r].size(); ++i) rows[r][i] = cut_to(rows[r][i], most);
  }
  return rows;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  const std::vector<std::size_t> widths = widths_of(rows);
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - columns_of(row[i]) + kGap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += (out.empty() ? "" : "\n") + line;
  }
  return out;
}

}  // namespace panshi::cli
