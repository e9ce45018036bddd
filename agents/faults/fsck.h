// SPDX-License-Identifier: Apache-2.0
// What faults may have left behind on this node, ours and other tools', each explained.
//
// Looks, never touches. Asks the node's servers too, each with a bound (agents/faults/traces).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agents/faults/fault_book.h"
#include "agents/faults/fault_journal.h"

namespace panshi::agent {

struct FsckView {  // what the book knows
  std::vector<UndoRecord> live;
  std::map<FaultId, std::string> not_reverted;                  // error of the last try
  std::vector<std::string> on_disk;                             // ids of undo records
  std::vector<std::pair<std::string, std::string>> unreadable;  // file, why
};

std::vector<Leftover> find_leftovers(const FsckView& view, Host& host);

}  // namespace panshi::agent
