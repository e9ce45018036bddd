// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/timings.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kReportBytesMax = 512;
constexpr Range<std::int64_t> kMilliseconds = {0, 600'000};

}  // namespace

Result<PageTiming> read_timing(std::string_view body) {
  ASSIGN_OR_RETURN(const nlohmann::json json, parse_json(body, kReportBytesMax));
  static const std::vector<std::string> kNames(kPageNames.begin(), kPageNames.end());
  Problems problems;
  PageTiming timing;
  Fields in(json, "", problems);
  in.need_word("page", timing.page, kNames);
  in.need("first_byte_ms", timing.first_byte_ms, kMilliseconds);
  in.need("interactive_ms", timing.interactive_ms, kMilliseconds);
  in.need("load_ms", timing.load_ms, kMilliseconds);
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  return timing;
}

void Timings::count(Counts& counts, std::int64_t ms) {
  const auto bucket = std::lower_bound(kBucketsMs.begin(), kBucketsMs.end(), ms);
  ++counts[static_cast<std::size_t>(bucket - kBucketsMs.begin())];
}

void Timings::add(const PageTiming& timing) {
  count(first_byte_, timing.first_byte_ms);
  count(interactive_, timing.interactive_ms);
  count(load_, timing.load_ms);
  const auto page = std::find(kPageNames.begin(), kPageNames.end(), timing.page);
  ++views_[static_cast<std::size_t>(page - kPageNames.begin())];
}

void Timings::add_to(nlohmann::json& status) const {
  const auto write = [&](std::string_view name, const Counts& counts) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      sum += counts[i];
      const std::string bound = i < kBucketsMs.size() ? std::to_string(kBucketsMs[i]) : "inf";
      status[cat("rum_", name, "_le_", bound)] = sum;
    }
  };
  write("first_byte", first_byte_);
  write("interactive", interactive_);
  write("load", load_);
  for (std::size_t i = 0; i < kPageNames.size(); ++i) {
    status[cat("rum_views_", kPageNames[i])] = views_[i].load();
  }
}

}  // namespace panshi::shop
