// SPDX-License-Identifier: Apache-2.0
// KeptFile: a file as it was, kept aside whole and durably before a fault breaks it.
//
//     <state>/kept/<fault>/record    as in the undo record, for when that is gone
//     <state>/kept/<fault>/original  the content; not of a fault that changes none
//     <state>/kept/<fault>/broken    the fault has done all that it wanted to
//     <state>/kept/<fault>/why       what could not be given back; stays until a person removes it
//
// The folder goes when all was given back. One thread at a time for each fault.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace panshi::agent {

class KeptFile {
 public:
  static constexpr std::int64_t kSizeMax = 64 << 20;

  KeptFile(const std::filesystem::path& folder, const std::string& fault)
      : folder_(folder / fault) {}

  Status note(const nlohmann::json& record) const;
  nlohmann::json record() const;  // null: none that can be read
  Status keep(const std::string& content) const;
  Status mark_broken() const;
  bool is_broken() const;
  // kNotFound: nothing was kept, so nothing was broken.
  Result<std::string> original() const;
  // It all is as it was again; nothing kept: no error.
  Status remove() const;
  // Keeps for a person what was kept, and says why.
  Status leave(const std::string& why) const;
  std::string why_left() const;        // "": it is not
  std::filesystem::path path() const;  // of the content

  // Every fault of which something is kept under `folder`.
  static std::vector<std::string> faults(const std::filesystem::path& folder);

 private:
  Status write(const char* name, const std::string& content) const;

  std::filesystem::path folder_;
};

}  // namespace panshi::agent
