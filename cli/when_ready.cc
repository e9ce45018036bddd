// SPDX-License-Identifier: Apache-2.0
#include "cli/when_ready.h"

#include <chrono>
#include <thread>

#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

// What a request would be refused for, from the controller's status; "" for nothing that passes.
std::string in_the_way(const Json& status, WaitsFor waits_for) {
  if (field(status, "halted") == "true") return {};
  if (field(status, "doubt") == "true") return "the controller trusts its evidence again";
  if (!field(status, "drill").empty()) return "no drill is under way";
  if (waits_for == WaitsFor::kClosedIncidents && field(status, "open_incidents") != "0") {
    return "no incident is open";
  }
  return {};
}

}  // namespace

Result<Json> post_when_ready(Invocation& invocation, Connection& controller,
                             const std::string& path, const Json& request, WaitsFor waits_for,
                             const std::atomic<bool>& stop) {
  const auto until = Clock::now() + std::chrono::seconds(invocation.integer("--wait").value_or(0));
  while (!stop) {
    if (Clock::now() >= until) return controller.post(path, request);
    ASSIGN_OR_RETURN(const Json status, controller.get("/api/v1/status"));
    std::string reason = in_the_way(status, waits_for);
    if (reason.empty()) {
      Result<Json> answer = controller.post(path, request);
      const bool refused = !answer && answer.error().code == ErrorCode::kConflict;
      if (!refused || field(status, "halted") == "true") return answer;
      reason = cat("it is accepted (", answer.error().message, ")");
    }
    invocation.terminal.status(cat("waiting until ", reason));
    std::this_thread::sleep_for(250ms);
  }
  return fail(ErrorCode::kRefused, "interrupted");
}

}  // namespace panshi::cli
