// SPDX-License-Identifier: Apache-2.0
// ActionBook: which runbook actions were asked for and how each ended, by id, on disk.
//
// An action is recorded before it begins, so asking again with its id never acts twice, also after
// a restart of the agent; one that ran when the agent died is `failed`, "agent restarted". The
// newest 1,000 are kept. Results live on disk only. Thread `actions`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

struct ActionEnd {
  bool good = false;
  std::string error;
  nlohmann::json result = nlohmann::json::object();
  Duration took{};
};

class ActionBook {
 public:
  // Marks as failed what an earlier run left running. Its files are <directory>/<id>.json.
  static Result<ActionBook> open(std::filesystem::path directory, std::size_t kept_max);

  bool knows(const std::string& id) const { return entries_.contains(id); }
  // Records it as running. `order` is what makes the same id the same action. REQUIRES: not known.
  Status begin(const std::string& id, const std::string& kind, const nlohmann::json& order);
  // kConflict when `order` is another one than before. REQUIRES: known.
  Status check_same(const std::string& id, const nlohmann::json& order) const;
  Status finish(const std::string& id, const ActionEnd& end);  // REQUIRES: running

  // The object `action` of docs/reference/agent-api.md; kNotFound.
  Result<nlohmann::json> get(const std::string& id) const;
  // The newest ones without their results, newest first.
  nlohmann::json list(std::size_t max) const;
  std::size_t running() const { return running_; }

 private:
  struct Entry {
    std::uint64_t number = 0;  // in the order of begin()
    std::string kind;
    std::string state;  // running | ok | failed
    std::string error;
    std::uint64_t order_hash = 0;
    std::int64_t duration_us = 0;
  };

  explicit ActionBook(std::filesystem::path directory, std::size_t kept_max)
      : directory_(std::move(directory)), kept_max_(kept_max) {}
  Status load(const std::filesystem::path& file);
  Status save(const std::string& id, const Entry& entry, const nlohmann::json& result) const;
  void forget_oldest();

  std::filesystem::path directory_;
  std::size_t kept_max_;
  std::map<std::string, Entry> entries_;
  std::uint64_t last_number_ = 0;
  std::size_t running_ = 0;
};

}  // namespace panshi::agent
