// SPDX-License-Identifier: Apache-2.0
// FaultJournal: the undo records of faults in force, and the last ones that ended, on disk.
//
//     <folder>/<id>.json     written before a fault is applied, removed after it is reverted
//     <folder>/ended.jsonl   one line for each ended fault, so that an id is never applied twice
//
// Each call is durable when it returns. A fault that has both (a crash between the two) is
// reverted again, which is harmless. One thread at a time for each id; any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

// A fault as it was ordered: what PUT is compared with.
struct FaultFacts {
  std::string id = {};
  std::uint64_t epoch = 0;
  std::string kind = {};
  nlohmann::json target = nlohmann::json::object();
  nlohmann::json params = nlohmann::json::object();  // every one, defaults filled in
  std::int64_t lease_ms = 0;
  std::string drill = {};

  bool same_order(const FaultFacts& other) const;  // all but the epoch
};

struct UndoRecord {
  FaultFacts facts;
  nlohmann::json resolved;  // what Fault::resolve() found
  // When it was written, just before apply(): from then on the fault may be in force.
  std::optional<WallTime> at = {};
};

struct EndedFault {
  FaultFacts facts;   // kind "" for an id that was reverted before it was ever ordered
  std::string state;  // reverted or failed
  std::string error;
  nlohmann::json measured = nlohmann::json::object();
  std::string reason = {};                // as in the event fault.reverted
  std::optional<WallTime> live_at = {};   // nothing: it was never in force
  std::optional<WallTime> ended_at = {};  // nothing: it is not known
};

class FaultJournal {
 public:
  static constexpr std::size_t kEndedMax = 1000;

  struct Contents {
    std::vector<UndoRecord> in_force;
    std::deque<EndedFault> ended;                                 // oldest first, at most kEndedMax
    std::vector<std::pair<std::string, std::string>> unreadable;  // file, why
  };

  // Makes the folder when absent.
  static Result<std::unique_ptr<FaultJournal>> open(const std::filesystem::path& folder,
                                                    Contents& contents);

  Status write(const UndoRecord& record) const;
  Status remove(const std::string& id) const;
  Status append(const EndedFault& ended);
  std::vector<std::string> ids_on_disk() const;

 private:
  explicit FaultJournal(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Status read_ended(std::deque<EndedFault>& ended);
  Status shorten();

  std::filesystem::path folder_;
  std::mutex mutex_;                    // for what follows
  std::deque<std::string> last_lines_;  // of ended.jsonl
  std::size_t lines_on_disk_ = 0;
};

}  // namespace panshi::agent
