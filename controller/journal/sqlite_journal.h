// SPDX-License-Identifier: Apache-2.0
// The journal in one SQLite file (WAL, synchronous=FULL): one fsync for each append.
#pragma once

#include <filesystem>
#include <memory>

#include "controller/journal/journal.h"

namespace panshi::controller {

// Makes the file when absent. A file of a newer version is refused.
Result<std::unique_ptr<Journal>> open_sqlite_journal(const std::filesystem::path& file);

// A read-only connection of its own. REQUIRES: open_sqlite_journal() has made the file.
Result<std::unique_ptr<JournalReader>> open_sqlite_journal_reader(
    const std::filesystem::path& file);

}  // namespace panshi::controller
