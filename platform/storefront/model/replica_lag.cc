// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/model/replica_lag.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kAwaitedMax = 64;

bool read_number(const std::string& text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool covers(const GtidPosition& replica, const GtidPosition& primary) {
  return std::all_of(primary.begin(), primary.end(), [&](const auto& at) {
    const auto found = replica.find(at.first);
    return found != replica.end() && found->second >= at.second;
  });
}

}  // namespace

Result<GtidPosition> parse_gtid(std::string_view text) {
  GtidPosition position;
  if (text.empty()) return position;
  for (const std::string& piece : split(text, ',')) {
    const auto parts = split(piece, '-');
    std::uint64_t domain = 0;
    std::uint64_t sequence = 0;
    if (parts.size() != 3 || !read_number(parts[0], domain) || !read_number(parts[2], sequence)) {
      return fail(ErrorCode::kInvalid, cat("no GTID: `", piece, "`"));
    }
    position[domain] = std::max(position[domain], sequence);
  }
  return position;
}

void ReplicaLag::primary_was_at(GtidPosition position, MonoTime asked) {
  awaited_.emplace_back(asked, std::move(position));
  if (awaited_.size() > kAwaitedMax) awaited_.pop_front();
}

void ReplicaLag::replica_is_at(const GtidPosition& position) {
  while (!awaited_.empty() && covers(position, awaited_.front().second)) {
    as_of_ = awaited_.front().first;
    awaited_.pop_front();
  }
}

std::optional<Duration> ReplicaLag::staleness(MonoTime now) const {
  if (!as_of_) return std::nullopt;
  return now - *as_of_;
}

}  // namespace panshi::shop
