// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet/agent_budget.h"

#include <algorithm>
#include <utility>

#include "controller/limits.h"
#include "core/json/fields.h"

namespace panshi::controller {

AgentBudget::AgentBudget()
    : outcomes_{.events = {limits::kOutcomesBurst, limits::kAgentEventsASecond},
                .bytes = {limits::kAgentBytesBurst, limits::kAgentBytesASecond},
                .event_max = limits::kOutcomeMax},
      others_{.events = {limits::kAgentEventsBurst, limits::kAgentEventsASecond},
              .bytes = {limits::kAgentBytesBurst, limits::kAgentBytesASecond},
              .event_max = limits::kAgentEventMax},
      samples_(limits::kAgentSamplesBurst, limits::kAgentSamplesASecond),
      statuses_(limits::kStatusBytesBurst, limits::kStatusBytesASecond),
      polls_(limits::kPollBytesBurst, limits::kPollBytesASecond) {}

void AgentBudget::fill(MonoTime now) {
  for (Share* share : {&outcomes_, &others_}) {
    share->events.fill(now);
    share->bytes.fill(now);
  }
  samples_.fill(now);
  statuses_.fill(now);
  polls_.fill(now);
  dropped_ = {};
}

bool AgentBudget::drop(std::int64_t AgentFlood::*what) {
  ++(untold_.*what);
  ++(dropped_.*what);
  return false;
}

bool AgentBudget::take_event(const std::string& kind, const nlohmann::json& data) {
  const bool outcome = kind == "action.done" || kind.starts_with("fault.");
  Share& share = outcome ? outcomes_ : others_;
  if (!share.events.has(1)) return drop(&AgentFlood::events);  // before it costs its measuring
  const std::size_t size = kind.size() + dump_json(data).size();
  const auto bytes = static_cast<double>(size);
  if (size > share.event_max || !share.bytes.has(bytes)) return drop(&AgentFlood::events);
  share.events.take(1);
  share.bytes.take(bytes);
  return true;
}

bool AgentBudget::take_sample(const std::string& signal) {
  if (signal.size() > limits::kSignalNameMax || !samples_.has(1)) {
    return drop(&AgentFlood::samples);
  }
  samples_.take(1);
  return true;
}

void AgentBudget::take_status(std::size_t bytes) {
  statuses_.take(std::max(static_cast<double>(bytes), limits::kStatusBytesLeast));
}

AgentFlood AgentBudget::untold(MonoTime now) {
  if (!untold_.any() || (told_at_ && now - *told_at_ < limits::kFloodToldEvery)) return {};
  told_at_ = now;
  return std::exchange(untold_, {});
}

}  // namespace panshi::controller
