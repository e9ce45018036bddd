// SPDX-License-Identifier: Apache-2.0
// The main function of every test program: Catch2's, with skips that count as such.
#define CATCH_CONFIG_RUNNER
#include <atomic>
#include <cstdio>

#include "tests/support/skip.h"

namespace panshi {
namespace {

constexpr int kSkipped = 77;  // the field's exit code: automake, ctest's SKIP_RETURN_CODE

std::atomic<int> skipped_cases = 0;
int run_cases = 0;

struct CaseCounter : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void testCaseStarting(const Catch::TestCaseInfo&) override { ++run_cases; }
};
CATCH_REGISTER_LISTENER(CaseCounter)

}  // namespace

void note_skipped_case(const std::string& why) {
  ++skipped_cases;
  std::printf("skipped: %s\n", why.c_str());
  std::fflush(stdout);
}

void skip_part(const std::string& why) {
  std::printf("skipped part: %s\n", why.c_str());
  std::fflush(stdout);
}

}  // namespace panshi

int main(int argc, char** argv) {
  const int result = Catch::Session().run(argc, argv);
  const bool all_skipped = panshi::skipped_cases > 0 && panshi::skipped_cases >= panshi::run_cases;
  return result == 0 && all_skipped ? panshi::kSkipped : result;
}
