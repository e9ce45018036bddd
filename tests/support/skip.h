// SPDX-License-Identifier: Apache-2.0
// Skips that count as skips. A test that cannot run on this machine says why and ends its process
// with 77, which ctest counts as skipped (panshi_tests sets SKIP_RETURN_CODE); a test that runs but
// must leave a part out says that too, and ./dev lists both. Neither is ever a pass in silence:
// tests/skips/ names what may be skipped, and how it is known that the machine really cannot.
#pragma once

#include <catch2/catch.hpp>
#include <string>

namespace panshi {

// Writes "skipped: WHY" and remembers that the running case did not run. Any thread.
void note_skipped_case(const std::string& why);

// A part of the running case does not run here ("skipped part: WHY"); the rest of it goes on and
// decides. Any thread.
void skip_part(const std::string& why);

// A sanitizer's own memory is counted with the program's.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// Ends the case: what it holds is given back, and it counts as skipped, not as passed. A check that
// failed before still fails it. From a thread of the test's own, through its future's get().
[[noreturn]] inline void skip_case(const std::string& why) {
  note_skipped_case(why);
  throw Catch::TestFailureException();
}

}  // namespace panshi
