// SPDX-License-Identifier: Apache-2.0
// CountTable: sliding-window counts of one risk rule, for a bounded number of keys.
//
// A count is the sliding-window approximation of two fixed windows: what is in this one, and of the
// last one the part that the sliding window still covers. Different values are kept one by one, at
// most `limit` of them for a key.
//
// When all keys are taken, the one that was longest untouched leaves; but a key that is at its
// limit stays until its window is over: by coming with many keys nobody gets rid of the count that
// blocks him. Only a few of the oldest are looked at, so a touch costs the same however full it is.
//
// Pure: the caller passes `now`. One thread at a time (users hold their own lock).
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/clock.h"

namespace panshi::shop {

class CountTable {
 public:
  struct Options {
    Duration window = std::chrono::minutes(1);
    std::int64_t limit = 1;
    std::size_t keys_max = 20'000;
  };
  enum class Outcome {
    kUnder,
    kAtLimit,
    kFull,  // no room for this key: every old one is at its limit
  };

  explicit CountTable(Options options) : options_(options) {}

  // Whether one more would pass, beside `under_way`, which may yet be counted; kUnder leaves the
  // key in the table.
  Outcome look(const std::string& key, MonoTime now, std::int64_t under_way = 0);
  // The same for one more `value`; a value that was counted already passes.
  Outcome look(const std::string& key, const std::string& value, MonoTime now);
  // Counts one, or one value. Nothing when there is no room.
  void add(const std::string& key, MonoTime now);
  void add(const std::string& key, const std::string& value, MonoTime now);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Seen {
    std::size_t hash;
    MonoTime at;
  };
  struct Entry {
    MonoTime began;  // of this window
    std::int64_t count = 0;
    std::int64_t before = 0;  // in the window before
    std::vector<Seen> values = {};
    std::list<std::string>::iterator place = {};
  };

  Entry* touch(const std::string& key, MonoTime now);  // null: no room
  bool make_room(MonoTime now);
  std::int64_t count_of(const Entry& entry, MonoTime now) const;
  bool is_at_limit(const Entry& entry, MonoTime now) const;
  void forget_old(Entry& entry, MonoTime now) const;

  Options options_;
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> order_;  // longest untouched first
};

}  // namespace panshi::shop
