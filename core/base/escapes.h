// SPDX-License-Identifier: Apache-2.0
// Escapes of all kinds undone at once, and for each byte where in the source it stood: to find in a
// text what programs wrote into it in their own way. Pure.
//
// %41 of URLs, \u0041 \x41 \" \n of JSON and C, &#65; &amp; of HTML. What is none stays as it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace panshi {

// A text made from a source. REQUIRES: the source has less than 4 GiB.
struct MappedText {
  std::string text;
  std::vector<std::uint32_t> begins;  // of each byte of `text`, its first one in the source
  std::vector<std::uint32_t> ends;    // and behind its last one

  static MappedText of(std::string_view source);
};

// Both false: nothing was changed, and `out` is not touched.
bool unescape(const MappedText& in, MappedText& out);
// Without line breaks, and the blanks behind them.
bool unwrap(const MappedText& in, MappedText& out);

// The text alone, once over.
std::string unescaped(std::string_view text);

}  // namespace panshi
