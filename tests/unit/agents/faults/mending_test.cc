// SPDX-License-Identifier: Apache-2.0
// The promise under test: what the fault took is written back, and nothing that is newer.
#include "agents/faults/file/mending.h"

#include <catch2/catch.hpp>

namespace panshi::agent {
namespace {

using Bits = std::vector<std::uint64_t>;

// The file after the mending.
std::string mended(std::string now, const Mending& mending) {
  for (const auto& [offset, bytes] : mending.writes) {
    const auto at = static_cast<std::size_t>(offset);
    if (now.size() < at + bytes.size()) now.resize(at + bytes.size());
    now.replace(at, bytes.size(), bytes);
  }
  return now + mending.tail;
}

std::string content() {
  std::string text;
  for (int i = 0; i < 200; ++i) text += static_cast<char>('a' + i % 26);
  return text;
}

const Bits kBits = {8 * 3 + 1, 8 * 60, 8 * 60 + 7, 8 * 199 + 2};

TEST_CASE("bits that were turned over are turned back, and twice is as once") {
  const std::string broken = flipped(content(), kBits);
  const Mending mending = mend_flips(content(), kBits, broken);
  CHECK(mended(broken, mending) == content());
  CHECK(mending.why.empty());
  CHECK(mend_flips(content(), kBits, content()).writes.empty());
}

TEST_CASE("what is appended meanwhile stays") {
  const std::string broken = flipped(content(), kBits);
  CHECK(mend_flips(content(), kBits, broken).writes.size() == 3);
}

TEST_CASE("a broken byte that somebody has written anew stays as he wrote it") {
  std::string now = flipped(content(), kBits);
  now.replace(55, 10, "0123456789");
  const Mending mending = mend_flips(content(), kBits, now);
  CHECK(mended(now, mending).substr(55, 10) == "0123456789");
  CHECK(mending.why.empty());
}

TEST_CASE("a broken byte among newer ones is left, and that is said") {
  std::string now = flipped(content(), kBits);
  now[58] = '#';
  const Mending mending = mend_flips(content(), kBits, now);
  CHECK_THAT(mending.why, Catch::StartsWith("1 of 3 broken bytes stay"));
  CHECK(mended(now, mending)[60] == now[60]);
  CHECK(mended(now, mending)[3] == content()[3]);
}

TEST_CASE("a file that was emptied and written anew is left, and its copies are thought of") {
  const std::string original(3'000, 'o');
  std::vector<std::uint64_t> bits;
  for (std::uint64_t byte = 0; byte < 3'000; byte += 3) bits.push_back(8 * byte + 1);
  std::string by_chance(4'000, 'n');  // one byte in a hundred as the fault left it
  for (std::size_t at = 300; at < 3'000; at += 300) by_chance[at] = flipped(original, bits)[at];
  for (const std::string& now : {std::string(), std::string("new\n"), by_chance}) {
    INFO(now.size());
    const Mending mending = mend_flips(original, bits, now);
    CHECK(mending.writes.empty());
    CHECK(mending.why.find("copytruncate") != std::string::npos);
  }
}

TEST_CASE("a file that was made shorter meanwhile is not made longer again") {
  const std::string now = flipped(content(), kBits).substr(0, 100);
  CHECK(mended(now, mend_flips(content(), kBits, now)) == content().substr(0, 100));
}

TEST_CASE("what was cut off is put back, whole") {
  const std::string now = content().substr(0, 80);
  const Mending mending = mend_cut(content(), 80, now, 80, true);
  CHECK(mended(now, mending) == content());
  CHECK(mending.why.empty());
  CHECK(mended(content(), mend_cut(content(), 80, content(), 200, false)) ==
        content());  // never cut
}

TEST_CASE("what was put back in part, by who died or found the disk full, is put back whole") {
  for (const std::size_t there : {1U, 7U, 119U}) {
    const std::string now = content().substr(0, 80 + there);
    const Mending mending =
        mend_cut(content(), 80, now, static_cast<std::int64_t>(now.size()), false);
    CHECK(mending.why.empty());
    CHECK(mended(now, mending) == content());
  }
  const std::string others = content().substr(0, 90) + "#";
  CHECK_FALSE(mend_cut(content(), 80, others, 91, false).why.empty());
}

TEST_CASE("who went on writing behind the old end keeps what he wrote") {
  std::string now = content().substr(0, 80);
  now.resize(200, '\0');
  const Mending mending = mend_cut(content(), 80, now, 205, true);
  CHECK(mended(now + "newer", mending) == content() + "newer");
  CHECK(mending.why.empty());
  const Mending of_zeros = mend_cut(content(), 80, now, 205, false);  // they were written
  CHECK(mended(now + "newer", of_zeros) == now + "newer");
  CHECK_THAT(of_zeros.why, Catch::Contains("others have written"));
}

TEST_CASE(
    "what was written where the end had been stays, and what was cut off is told to be kept") {
  const std::string now = content().substr(0, 80) + "three newer lines";
  const Mending mending = mend_cut(content(), 80, now, 97, false);
  CHECK(mended(now, mending) == now);
  CHECK_THAT(mending.why, Catch::Contains("120 bytes"));
}

TEST_CASE("a file that somebody cut further stays so") {
  const Mending mending = mend_cut(content(), 80, "", 0, false);
  CHECK(mended("", mending).empty());
  CHECK_THAT(mending.why, Catch::Contains("cut to 0 bytes by somebody else"));
}

}  // namespace
}  // namespace panshi::agent
