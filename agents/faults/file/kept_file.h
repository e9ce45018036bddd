// SPDX-License-Identifier: Apache-2.0
// KeptFile: what a fault changes that nothing but its undo record could tell, kept aside whole and
// durably before it does: a file as it was, or the limits that processes had.
//
//     <state>/kept/<fault>/record    as in the undo record, for when that is gone
//     <state>/kept/<fault>/original  the content; not of a fault that changes none
//     <state>/kept/<fault>/sum       of the content: a copy that was damaged is no copy
//     <state>/kept/<fault>/broken    the fault has done all that it wanted to
//     <state>/kept/<fault>/mended    all was given back: what is kept goes with the undo record
//     <state>/kept/<fault>/why       what could not be given back; stays until a person removes it
//
// The folder goes when all was given back and the undo record is gone. One thread at a time for
// each fault.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agents/faults/fault.h"
#include "core/base/result.h"

namespace panshi::agent {

class KeptFile {
 public:
  static constexpr std::int64_t kSizeMax = 64 << 20;

  KeptFile(const std::filesystem::path& folder, const std::string& fault)
      : folder_(folder / fault) {}

  Status note(const FaultRequest& request, const nlohmann::json& resolved) const;
  // {"kind", "target", "params", "resolved"}; null: none that can be read
  nlohmann::json record() const;
  Status keep(const std::string& content) const;
  Status mark_broken() const;
  bool is_broken() const;
  // kNotFound: nothing was kept, or it is gone; kInvalid: it is not as it was kept.
  Result<std::string> original() const;
  Status mark_mended() const;
  bool is_mended() const;
  Status remove() const;  // nothing kept: no error
  // Keeps for a person what was kept, and says why.
  Status leave(const std::string& why) const;
  std::string why_left() const;        // "": it is not
  std::filesystem::path path() const;  // of the content

  // Every fault of which something is kept under `folder`, but for those that are mended.
  static std::vector<std::string> faults(const std::filesystem::path& folder);
  // What a crash left of those that are mended, unless their undo record is still there.
  static void sweep(const std::filesystem::path& folder,
                    const std::function<bool(const std::string&)>& has_undo_record);

 private:
  Status write(const char* name, const std::string& content) const;

  std::filesystem::path folder_;
};

}  // namespace panshi::agent
