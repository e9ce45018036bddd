// SPDX-License-Identifier: Apache-2.0
// History: folds the lines of the customers' log into one account for each purchase. Pure.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/customers/record.h"
#include "platform/ledger/evidence.h"

namespace panshi::shop {

class History {
 public:
  // One line after the other, without its end. An unreadable line is a doubt, unless it is the torn
  // end of a run: the last of the log, or followed by a line of step `start`. Nothing was sent for
  // a torn attempt, and a torn answer leaves its attempt unanswered.
  void add_line(std::string_view line);
  // `doubts` gains what could not be read. The log ends here.
  std::vector<Account> take(std::vector<std::string>& doubts);

 private:
  // All tries of one step together.
  struct Tries {
    bool is_open = false;  // the latest was not answered (yet)
    bool is_unknown = false;
    bool is_refused = false;
    bool is_acknowledged = false;
    void add(Outcome outcome);
    Account::Answer answer() const;
  };
  struct Folding {
    Account account;
    Tries placing;
    Tries paying;
  };
  void add(const Record& record);

  std::vector<Folding> foldings_;
  std::unordered_map<std::string, std::size_t> by_customer_;
  std::size_t line_ = 0;
  std::size_t torn_line_ = 0;  // 0: the line before was readable
  std::size_t bad_lines_ = 0;
  std::size_t first_bad_line_ = 0;
};

}  // namespace panshi::shop
