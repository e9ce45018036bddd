// SPDX-License-Identifier: Apache-2.0
// Timings: how fast pages were for the people who looked at them, as their browsers report.
//
// Bounded: a report is three numbers of one of our pages and nothing of it is kept but the counts.
// Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/base/result.h"

namespace panshi::shop {

struct PageTiming {
  std::string page;  // one of kPageNames
  std::int64_t first_byte_ms = 0;
  std::int64_t interactive_ms = 0;
  std::int64_t load_ms = 0;
};

inline constexpr std::array<std::string_view, 9> kPageNames = {
    "list", "product", "checkout", "order", "history", "support", "plan", "message", "skeleton"};

// The body of POST /rum, at most 512 bytes. kInvalid names what is wrong.
Result<PageTiming> read_timing(std::string_view body);

class Timings {
 public:
  static constexpr std::array<std::int64_t, 7> kBucketsMs = {50,    100,   200,  500,
                                                             1'000, 2'000, 5'000};

  void add(const PageTiming& timing);
  // Counts of each bucket, `rum_load_le_50` … `rum_load_le_inf` (cumulative, as Prometheus has
  // them), the same for first_byte and interactive, and `rum_views_PAGE`.
  void add_to(nlohmann::json& status) const;

 private:
  using Counts = std::array<std::atomic<std::int64_t>, kBucketsMs.size() + 1>;
  static void count(Counts& counts, std::int64_t ms);

  Counts first_byte_{}, interactive_{}, load_{};
  std::array<std::atomic<std::int64_t>, kPageNames.size()> views_{};
};

}  // namespace panshi::shop
