// SPDX-License-Identifier: Apache-2.0
// What is to be written to a broken file so that it is as it was, but for what others have written
// since: that stays. Where the two cannot be told apart nothing is written, and `why` says so.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace panshi::agent {

struct Mending {
  std::vector<std::pair<std::int64_t, std::string>> writes;  // offset, bytes
  std::string tail;                                          // appended at the end, if that is so
  std::string why;                                           // what stays broken; "": nothing does
};

// The bits that are to be turned over, each as 8 * offset + its place in the byte.
std::string flipped(std::string content, const std::vector<std::uint64_t>& bits);

// `now`: of the file as it is, no more than its first original.size() bytes.
Mending mend_flips(const std::string& original, const std::vector<std::uint64_t>& bits,
                   const std::string& now);

// The file was cut to `keep` bytes. `now`: as above; `size`: of the whole file as it is; `is_hole`:
// nobody has written from there up to its old end (FoundFile::is_hole).
Mending mend_cut(const std::string& original, std::int64_t keep, const std::string& now,
                 std::int64_t size, bool is_hole);

}  // namespace panshi::agent
