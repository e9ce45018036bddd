// SPDX-License-Identifier: Apache-2.0
// Random: every random choice in a run comes from its seed, so a run can be replayed.
//
// Own generator, not <random> distributions: those may differ between standard libraries.
#pragma once

#include <cstdint>

namespace panshi {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {  // SplitMix64
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }  // limit > 0
  bool chance(unsigned percent) { return below(100) < percent; }
  Random fork() {
    return Random(next());
  }  // one stream per node, so streams do not disturb each other

 private:
  std::uint64_t state_;
};

}  // namespace panshi
