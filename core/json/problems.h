// SPDX-License-Identifier: Apache-2.0
// Problems: everything wrong with one document, found in one pass and reported together.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace panshi {

struct Problem {
  std::string path;     // "faults[2].for"; empty for the document itself
  std::string message;  // "is missing"
};

class Problems {
 public:
  void add(std::string path, std::string message) {
    if (list_.size() < kMax) list_.push_back({std::move(path), std::move(message)});
  }
  bool full() const { return list_.size() >= kMax; }  // more are not kept
  bool empty() const { return list_.empty(); }
  const std::vector<Problem>& list() const { return list_; }

  // kInvalid with one problem a line, for documents without line numbers (HTTP bodies).
  Error error() const {
    std::string text;
    for (const Problem& problem : list_) {
      if (!text.empty()) text += '\n';
      text += problem.path + (problem.path.empty() ? "" : " ") + problem.message;
    }
    return {ErrorCode::kInvalid, std::move(text)};
  }

 private:
  static constexpr std::size_t kMax = 100;
  std::vector<Problem> list_;
};

}  // namespace panshi
