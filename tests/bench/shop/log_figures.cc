// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/shop/log_figures.h"

#include <algorithm>
#include <fstream>

namespace panshi::bench {
namespace {

constexpr std::size_t kPayIndex = 2;
constexpr std::size_t kFetchIndex = 3;

bool came_in(const PurchaseSeen& seen, std::int64_t from_us, std::int64_t to_us) {
  return seen.intended_us >= from_us && seen.intended_us < to_us;
}

}  // namespace

void LogFigures::add(const shop::Record& record) {
  if (record.step == shop::Step::kStart || !record.kind.empty()) return;  // visits, fraud
  PurchaseSeen& seen = purchases_[record.customer];
  seen.intended_us = record.intended_us;
  if (!record.user.empty()) seen.user = record.user;
  if (record.step == shop::Step::kArrive) {
    seen.dropped = true;
    return;
  }
  const auto step = static_cast<std::size_t>(std::find(kSteps.begin(), kSteps.end(), record.step) -
                                             kSteps.begin());
  if (record.outcome == shop::Outcome::kAttempt) {
    if (seen.begun_us[step] == 0) seen.begun_us[step] = record.at_us;
    return;
  }
  if (record.step == shop::Step::kBrowse) seen.begun_us[step] = record.intended_us;
  seen.key_promised = record.outcome == shop::Outcome::kLate && record.status == 200;
  if (record.outcome != shop::Outcome::kOk) return;
  seen.ended_us[step] = record.at_us;
  if (step == kPayIndex) seen.begun_us[kFetchIndex] = record.at_us;
}

bool LogFigures::read(const std::string& file, std::uint64_t offset) {
  std::ifstream in(file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  for (std::string line; std::getline(in, line) && !in.eof();) {
    const auto record = shop::read_line(line);
    if (!record) return false;
    add(*record);
  }
  return true;
}

std::int64_t LogFigures::completed(std::int64_t from_us, std::int64_t to_us) const {
  return std::count_if(purchases_.begin(), purchases_.end(), [&](const auto& entry) {
    const std::int64_t at = entry.second.ended_us[kFetchIndex];
    return at != 0 && at >= from_us && at < to_us;
  });
}

std::int64_t LogFigures::arrived(std::int64_t from_us, std::int64_t to_us) const {
  return std::count_if(purchases_.begin(), purchases_.end(),
                       [&](const auto& entry) { return came_in(entry.second, from_us, to_us); });
}

std::vector<double> LogFigures::step_ms(std::size_t step, std::int64_t from_us,
                                        std::int64_t to_us) const {
  std::vector<double> values;
  for (const auto& [customer, seen] : purchases_) {
    if (!came_in(seen, from_us, to_us) || seen.ended_us[step] == 0) continue;
    values.push_back(static_cast<double>(seen.ended_us[step] - seen.begun_us[step]) / 1000);
  }
  return values;
}

std::vector<double> LogFigures::whole_ms(std::int64_t from_us, std::int64_t to_us) const {
  std::vector<double> values;
  for (const auto& [customer, seen] : purchases_) {
    const std::int64_t ended = seen.ended_us[kFetchIndex];
    if (!came_in(seen, from_us, to_us) || ended == 0) continue;
    values.push_back(static_cast<double>(ended - seen.intended_us) / 1000);
  }
  return values;
}

}  // namespace panshi::bench
