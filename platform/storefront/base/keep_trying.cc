// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/base/keep_trying.h"

#include <string>
#include <thread>

#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::shop {

Status keep_trying(const char* doing, MonoTime until, const std::function<Status()>& attempt) {
  std::string said;
  while (true) {
    const Status done = attempt();
    if (done) return {};
    const bool may_pass =
        done.error().code == ErrorCode::kUnavailable || done.error().code == ErrorCode::kTimeout;
    if (!may_pass) return fail(done.error(), doing);
    if (done.error().message != said) {
      log_info(cat("waiting to ", doing, ": ", done.error().message));
    }
    said = done.error().message;
    if (SystemClock().mono() >= until) return fail(done.error(), doing);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace panshi::shop
