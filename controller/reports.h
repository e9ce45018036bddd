// SPDX-License-Identifier: Apache-2.0
// Reports: gathers what the report of a drill is made from, and keeps the written ones.
//
// The report itself is made by controller/report, from events and samples alone. Any thread; reads
// the journal and the sample store and may take a while.
#pragma once

#include <filesystem>
#include <string>

#include "controller/journal/journal.h"
#include "controller/report/report.h"
#include "controller/signals/signal_store.h"
#include "core/base/result.h"

namespace panshi::controller {

class Reports {
 public:
  Reports(JournalReader& journal, SignalStore& signals, std::filesystem::path directory);

  // kNotFound: the journal knows no such drill.
  Result<Report> make(const std::string& drill) const;
  // Writes <drill>.md, .html and .json; answers {"report","files"}.
  Result<nlohmann::json> write(const std::string& drill) const;

 private:
  Result<std::vector<Event>> events_around(const std::string& drill) const;
  Result<std::vector<Event>> read_range(JournalQuery query, std::int64_t last) const;

  JournalReader& journal_;
  SignalStore& signals_;
  std::filesystem::path directory_;
};

}  // namespace panshi::controller
