// SPDX-License-Identifier: Apache-2.0
// A secret in a file of a folder, as a configuration names it.
#pragma once

#include <stdexcept>
#include <string>

#include "core/io/files.h"
#include "core/io/secret.h"

namespace panshi {

inline Secret secret_in(const std::filesystem::path& folder, const std::string& text,
                        const std::string& name = "secret") {
  if (!write_file_durably(folder / name, text + "\n", 0600)) {
    throw std::runtime_error("no secret can be written into " + folder.string());
  }
  return Secret(folder / name);
}

// As a configuration in YAML names it.
inline std::string secret_named(const std::filesystem::path& folder, const std::string& text,
                                const std::string& name) {
  return "{secret: \"" + secret_in(folder, text, name).file().string() + "\"}";
}

}  // namespace panshi
