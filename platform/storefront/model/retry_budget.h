// SPDX-License-Identifier: Apache-2.0
// RetryBudget: retries are at most a share of the requests, so they never multiply an overload.
//
// A token bucket: each request puts `percent` hundredths of a token in, each retry takes a whole
// one; `burst` tokens are there at the start and are the most that is saved up. Over any stretch
// of N requests there are at most burst + N * percent / 100 retries.
//
// Pure, without time. One thread at a time (users hold their own lock).
#pragma once

#include <algorithm>
#include <cstdint>

namespace panshi::shop {

class RetryBudget {
 public:
  struct Options {
    std::int64_t percent = 20;
    std::int64_t burst = 10;  // whole retries
  };
  explicit RetryBudget(Options options) : options_(options), hundredths_(options.burst * kToken) {}

  void requested() {
    hundredths_ = std::min(hundredths_ + options_.percent, options_.burst * kToken);
  }
  // Whether a request may be repeated now; true takes the token.
  bool take() {
    if (hundredths_ < kToken) {
      ++refused_;
      return false;
    }
    hundredths_ -= kToken;
    ++taken_;
    return true;
  }
  std::uint64_t taken() const { return taken_; }
  std::uint64_t refused() const { return refused_; }

 private:
  static constexpr std::int64_t kToken = 100;  // integers: nothing is lost by rounding

  Options options_;
  std::int64_t hundredths_;
  std::uint64_t taken_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace panshi::shop
