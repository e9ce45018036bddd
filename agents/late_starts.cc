// SPDX-License-Identifier: Apache-2.0
#include "agents/late_starts.h"

#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::agent {
namespace {

constexpr Duration kTryEvery = std::chrono::milliseconds(250);

}  // namespace

Status LateStarts::start(const std::string& what, MonoTime now, Attempt attempt) {
  const Status started = attempt();
  if (started || !allowed_ || started.error().code != ErrorCode::kConflict) return started;
  log_error(cat(what, ": ", started.error().message,
                "; the agent goes on without it and tries until it can. Who holds the port: "
                "`ss -ltnp`"));
  tell_(what, started.error().message);
  late_.push_back({what, std::move(attempt)});
  next_try_ = now + kTryEvery;
  return {};
}

void LateStarts::try_again(MonoTime now) {
  if (late_.empty() || now < next_try_) return;
  next_try_ = now + kTryEvery;
  std::erase_if(late_, [this](const Late& late) {
    if (!late.attempt()) return false;
    log_info(cat(late.what, " listens now"));
    tell_(late.what, "");
    return true;
  });
}

std::optional<MonoTime> LateStarts::next_try() const {
  return late_.empty() ? std::nullopt : std::optional(next_try_);
}

}  // namespace panshi::agent
