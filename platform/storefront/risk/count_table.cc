// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/risk/count_table.h"

#include <algorithm>
#include <functional>

namespace panshi::shop {
namespace {

constexpr int kLookedAtMax = 8;  // old keys, when room must be made

}  // namespace

std::int64_t CountTable::count_of(const Entry& entry, MonoTime now) const {
  const Duration window = options_.window;
  const Duration age = std::max(now - entry.began, Duration(0));
  // The part of a window before that is still covered, rounded up: the limit is never exceeded.
  const auto still = [&](std::int64_t count, Duration covered) {
    return (count * covered.count() + window.count() - 1) / window.count();
  };
  if (age >= window * 2) return 0;
  if (age >= window) return still(entry.count, window * 2 - age);
  return entry.count + still(entry.before, window - age);
}

bool CountTable::is_at_limit(const Entry& entry, MonoTime now) const {
  const auto fresh = std::count_if(entry.values.begin(), entry.values.end(), [&](const Seen& seen) {
    return now - seen.at < options_.window;
  });
  return fresh >= options_.limit || count_of(entry, now) >= options_.limit;
}

void CountTable::forget_old(Entry& entry, MonoTime now) const {
  const Duration age = now - entry.began;
  if (age >= options_.window) {
    entry.before = age < options_.window * 2 ? entry.count : 0;
    entry.count = 0;
    entry.began += options_.window * (age / options_.window);
  }
  std::erase_if(entry.values, [&](const Seen& seen) { return now - seen.at >= options_.window; });
}

bool CountTable::make_room(MonoTime now) {
  if (entries_.size() < options_.keys_max) return true;
  auto oldest = order_.begin();
  for (int i = 0; i < kLookedAtMax && oldest != order_.end(); ++i, ++oldest) {
    const auto entry = entries_.find(*oldest);
    if (is_at_limit(entry->second, now)) continue;
    entries_.erase(entry);
    order_.erase(oldest);
    return true;
  }
  return false;
}

CountTable::Entry* CountTable::touch(const std::string& key, MonoTime now) {
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (!make_room(now)) return nullptr;
    found = entries_.emplace(key, Entry{.began = now}).first;
    found->second.place = order_.insert(order_.end(), key);
  } else {
    order_.splice(order_.end(), order_, found->second.place);
    forget_old(found->second, now);
  }
  return &found->second;
}

CountTable::Outcome CountTable::look(const std::string& key, MonoTime now, std::int64_t under_way) {
  const Entry* const entry = touch(key, now);
  if (!entry) return Outcome::kFull;
  const std::int64_t count = count_of(*entry, now) + under_way;
  return count >= options_.limit ? Outcome::kAtLimit : Outcome::kUnder;
}

CountTable::Outcome CountTable::look(const std::string& key, const std::string& value,
                                     MonoTime now) {
  const Entry* const entry = touch(key, now);
  if (!entry) return Outcome::kFull;
  const std::size_t hash = std::hash<std::string>()(value);
  const bool known = std::any_of(entry->values.begin(), entry->values.end(),
                                 [&](const Seen& seen) { return seen.hash == hash; });
  const bool room = static_cast<std::int64_t>(entry->values.size()) < options_.limit;
  return known || room ? Outcome::kUnder : Outcome::kAtLimit;
}

void CountTable::add(const std::string& key, MonoTime now) {
  if (Entry* const entry = touch(key, now)) ++entry->count;
}

void CountTable::add(const std::string& key, const std::string& value, MonoTime now) {
  Entry* const entry = touch(key, now);
  if (!entry) return;
  const std::size_t hash = std::hash<std::string>()(value);
  const auto known = std::find_if(entry->values.begin(), entry->values.end(),
                                  [&](const Seen& seen) { return seen.hash == hash; });
  if (known != entry->values.end()) {
    known->at = now;
  } else if (static_cast<std::int64_t>(entry->values.size()) < options_.limit) {
    entry->values.push_back({hash, now});
  }
}

}  // namespace panshi::shop
