// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/file/mending.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

// Who writes a record writes more than the byte that was broken: when this much around it is as it
// was, the byte is the fault's and not a newer one that happens to be the same.
constexpr std::size_t kAround = 16;

bool is_untouched_around(std::size_t at, const std::string& original, const std::string& now,
                         const std::set<std::size_t>& broken) {
  const std::size_t from = at < kAround ? 0 : at - kAround;
  const std::size_t to = std::min(at + kAround, original.size() - 1);
  for (std::size_t i = from; i <= to; ++i) {
    if (broken.contains(i)) continue;  // each is looked at for itself
    if (i >= now.size() || now[i] != original[i]) return false;
  }
  return true;
}

// A rotation that copies first and empties then has taken the broken bytes elsewhere; some bytes of
// the new content are what the fault made of the old ones, by chance.
bool is_written_anew(const std::string& left, const std::string& now,
                     const std::set<std::size_t>& broken, std::ptrdiff_t matches) {
  bool starts_otherwise = false;
  for (std::size_t i = 0; i < std::min(kAround, left.size()); ++i) {
    if (broken.contains(i)) continue;
    starts_otherwise = starts_otherwise || i >= now.size() || now[i] != left[i];
  }
  return starts_otherwise && static_cast<std::size_t>(matches) * 10 < broken.size();
}

}  // namespace

std::string flipped(std::string content, const std::vector<std::uint64_t>& bits) {
  for (const std::uint64_t bit : bits) {
    if (bit / 8 >= content.size()) continue;
    char& byte = content[bit / 8];
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  }
  return content;
}

Mending mend_flips(const std::string& original, const std::vector<std::uint64_t>& bits,
                   const std::string& now) {
  const std::string left = flipped(original, bits);
  std::set<std::size_t> broken;
  for (const std::uint64_t bit : bits) {
    if (bit / 8 < original.size()) broken.insert(bit / 8);
  }
  Mending mending;
  std::size_t unsure = 0;
  const auto is_left = [&](std::size_t at) { return at < now.size() && now[at] == left[at]; };
  if (is_written_anew(left, now, broken, std::count_if(broken.begin(), broken.end(), is_left))) {
    mending.why =
        cat("the file was written anew from its start: a copy that somebody made before "
            "(a rotation by copytruncate) has the ",
            broken.size(), " broken bytes");
    return mending;
  }
  for (const std::size_t at : broken) {
    if (!is_left(at)) continue;  // newer than the fault, or never broken
    if (is_untouched_around(at, original, now, broken)) {
      mending.writes.emplace_back(static_cast<std::int64_t>(at), std::string(1, original[at]));
    } else {
      ++unsure;
    }
  }
  if (unsure > 0) {
    mending.why = cat(unsure, " of ", broken.size(),
                      " broken bytes stay: others have written around them since");
  }
  return mending;
}

Mending mend_cut(const std::string& original, std::int64_t keep, const std::string& now,
                 std::int64_t size, bool is_hole) {
  Mending mending;
  const std::string tail = original.substr(static_cast<std::size_t>(keep));
  if (now.compare(std::min(now.size(), original.size() - tail.size()), now.npos, tail) == 0) {
    return mending;  // it was not cut, or mended before
  }
  const auto there = static_cast<std::size_t>(std::max<std::int64_t>(size - keep, 0));
  if (there > 0 && there < tail.size() &&
      now.compare(static_cast<std::size_t>(keep), now.npos, tail, 0, there) == 0) {
    mending.tail = tail.substr(there);  // who appended it was killed, or the disk was full
  } else if (size < keep) {
    mending.why = cat("it was cut to ", size, " bytes by somebody else since");
  } else if (size == keep) {
    mending.tail = tail;
  } else if (is_hole &&
             std::all_of(now.begin() + keep, now.end(), [](char each) { return each == 0; })) {
    // Who keeps a place of its own went on behind the old end. Zeros that were written are theirs.
    mending.writes.emplace_back(keep, tail);
  } else {
    mending.why = cat("others have written since where the ", tail.size(),
                      " bytes were that the fault cut off");
  }
  return mending;
}

}  // namespace panshi::agent
