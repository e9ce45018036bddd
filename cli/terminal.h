// SPDX-License-Identifier: Apache-2.0
// Terminal: lines for people, one document for programs.
//
// Lines go to stdout, or to stderr when stdout is for one JSON document. Colour and the status line
// that is rewritten in place appear only on a terminal; NO_COLOR is respected. One thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace panshi::cli {

class Terminal {
 public:
  explicit Terminal(bool json);
  ~Terminal();  // ends a status line
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void line(std::string_view text);
  void status(std::string_view text);  // in place; nothing where there is no terminal
  void error(std::string_view text);   // "panshi: …" on stderr
  void document(const nlohmann::json& json);
  // A file's text to stdout: as it is, but on a terminal like all that is written here nothing
  // gets through that would steer it.
  void raw(std::string_view text);

  bool is_live() const { return live_; }  // status lines are shown
  std::size_t columns() const;            // of the terminal; 240 where there is none
  // good | bad | unsure | soft | strong; unchanged where there is no colour.
  std::string tone(std::string_view tone, std::string_view text) const;

 private:
  void clear_status();
  std::string shown(std::string_view text) const;

  const bool json_;
  const bool to_terminal_;  // stdout is one
  bool live_ = false;
  bool colour_ = false;
  bool status_shown_ = false;
};

// Columns padded to their widest cell; the first row is the head. No trailing spaces.
std::string table(const std::vector<std::vector<std::string>>& rows);
// The same rows with the widest cells cut to one width, of at least 16, so that a line has at most
// `columns` where that can be: what was cut ends with an ellipsis. The head is left as it is.
std::vector<std::vector<std::string>> fitted(std::vector<std::vector<std::string>> rows,
                                             std::size_t columns);
// Cells on screen, not bytes: UTF-8 continuation bytes count nothing.
std::size_t columns_of(std::string_view text);

}  // namespace panshi::cli
