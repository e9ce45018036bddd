// SPDX-License-Identifier: Apache-2.0
// What the customers' log says about a span of time: who came to buy, how far each one got, and how
// long each step took him. Pure.
//
// A step lasts from when the customer first wanted it until it was acknowledged, every refusal and
// repeat included: browsing from the intended start, ordering and paying from their first attempt,
// the key from the acknowledged payment.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "platform/customers/record.h"

namespace panshi::bench {

constexpr std::array<shop::Step, 4> kSteps = {shop::Step::kBrowse, shop::Step::kOrder,
                                              shop::Step::kPay, shop::Step::kFetch};

struct PurchaseSeen {
  std::int64_t intended_us = 0;
  std::string user;                        // "" when he was not even let in
  std::array<std::int64_t, 4> begun_us{};  // by kSteps; 0: never
  std::array<std::int64_t, 4> ended_us{};  // acknowledged
  bool key_promised = false;               // late, but the shop told him that he has paid
  bool dropped = false;
};

class LogFigures {
 public:
  void add(const shop::Record& record);
  // Reads the lines of a file from `offset`; false when one cannot be parsed. A last line without
  // an end is still being written and is left out.
  bool read(const std::string& file, std::uint64_t offset);

  const std::unordered_map<std::string, PurchaseSeen>& purchases() const { return purchases_; }
  std::int64_t completed(std::int64_t from_us, std::int64_t to_us) const;  // keys fetched then
  std::int64_t arrived(std::int64_t from_us, std::int64_t to_us) const;    // intended then
  // Of those who came in the span: milliseconds of one step, acknowledged ones only.
  std::vector<double> step_ms(std::size_t step, std::int64_t from_us, std::int64_t to_us) const;
  std::vector<double> whole_ms(std::int64_t from_us, std::int64_t to_us) const;

 private:
  std::unordered_map<std::string, PurchaseSeen> purchases_;
};

}  // namespace panshi::bench
