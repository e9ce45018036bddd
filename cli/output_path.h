// SPDX-License-Identifier: Apache-2.0
// Whether a file that somebody named for our output is where they meant.
#pragma once

#include <filesystem>

#include "core/io/trusted_path.h"

namespace panshi::cli {

// A link on the way that somebody else has put there leads to a file that is not meant.
inline Status check_output_path(const std::filesystem::path& given) {
  std::error_code error;
  const std::filesystem::path meant = std::filesystem::absolute(given).lexically_normal();
  if (std::filesystem::weakly_canonical(meant, error) == meant) return {};
  const Status ours = check_trusted(meant);
  return !ours && ours.error().code != ErrorCode::kNotFound ? ours : Status();
}

}  // namespace panshi::cli
