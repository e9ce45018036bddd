// SPDX-License-Identifier: Apache-2.0
// Shedding: who gets a place when there are not enough of them.
//
// Each class may fill the places only up to its share of the limit, counted over everybody inside:
// extras up to 40 %, browsing up to a half, placing an order up to 60 %, paying for one up to 90 %.
// So the lowest classes are refused first, and however large their surge, the places above their
// share stay free for those above them. Nobody queues: who finds no place is refused at once.
//
// Paying has far more room than placing, because an order that is placed and then refused its
// payment was work for nothing, and holds stock that others could have: who is to be turned away
// is turned away before he has an order.
//
// Customers who have paid are not measured by the limit, only by the places that are there at all:
// how many they are was decided when they were let in to pay, and what they still want (their key)
// is cheap. A share kept for them under the limit would be too small exactly when the limit has
// shrunk. The places that they take are missing to the others, whose limit it is.
//
// Pure. One thread at a time (users hold their own lock).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace panshi::shop {

// In the order in which places are given.
enum class Priority : std::size_t { kPaid, kPay, kPlace, kBrowse, kExtra };
constexpr std::size_t kPriorities = 5;
const char* name_of(Priority priority);  // "paid", "pay", "place", "browse", "extra"

class Shedding {
 public:
  struct Options {
    std::int64_t places = 63;  // for customers who have paid, whatever the limit. REQUIRES: > 0
    // Percent of the limit, in the order of Priority. REQUIRES: falling, 1 to 100, the first 100.
    std::array<std::int64_t, kPriorities> percent = {100, 90, 60, 50, 40};
  };
  explicit Shedding(Options options) : options_(options) {}

  // Up to how many may be inside, of all classes, for one of `priority` to be let in. At least one,
  // and less by at least one than for the class above, where the limit is large enough. For those
  // who have paid the limit is a lower bound.
  std::int64_t ceiling(Priority priority, std::int64_t limit) const;

  // After true, exactly one leave() must follow.
  bool enter(Priority priority, std::int64_t limit);
  void leave();

  std::int64_t inside() const { return inside_; }
  std::uint64_t admitted(Priority priority) const { return admitted_[at(priority)]; }
  std::uint64_t shed(Priority priority) const { return shed_[at(priority)]; }

 private:
  static std::size_t at(Priority priority) { return static_cast<std::size_t>(priority); }

  Options options_;
  std::int64_t inside_ = 0;
  std::array<std::uint64_t, kPriorities> admitted_{}, shed_{};
};

}  // namespace panshi::shop
