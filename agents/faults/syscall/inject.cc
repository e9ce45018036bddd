// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/syscall/inject.h"

#include <algorithm>

#include "agents/faults/process/target_processes.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

class Injection final : public Fault {
 public:
  Injection(const FaultRequest& request, std::string what, Host& host)
      : request_(request), what_(std::move(what)), host_(host) {}

  Result<nlohmann::json> resolve() override {
    if (const std::string why = why_no_tracer(host_); !why.empty()) {
      return fail(ErrorCode::kRefused, why);
    }
    ASSIGN_OR_RETURN(const TargetProcesses found, find_processes(request_.target, host_));
    for (const ProcessName& each : found.all) {
      const pid_t tracer = host_.machine().tracer_of(each);
      if (tracer == 0) continue;
      return fail(ErrorCode::kRefused, cat("process ", each.pid, " of service `", request_.target,
                                           "` is traced by process ", tracer, " already"));
    }
    nlohmann::json resolved = to_json(found);
    resolved["words"] = words(found);
    return resolved;
  }

  Status apply(const nlohmann::json& resolved) override {
    const auto words = resolved.at("words").get<std::vector<std::string>>();
    ASSIGN_OR_RETURN(const auto helper, host_.machine().start_helper(request_.id, words));
    host_.holdings().keep(request_.id, helper);
    return {};
  }

  // Asked first, so that the tracer lets go of a call that it is changing just now.
  Status revert(const nlohmann::json&) override {
    host_.holdings().let_go(request_.id);
    return host_.machine().end_helpers(request_.id);
  }

  nlohmann::json measure(const nlohmann::json& resolved) const override {
    const auto all = present(processes_from(resolved), host_);
    const auto traced = std::count_if(all.begin(), all.end(), [&](const ProcessName& each) {
      return host_.machine().tracer_of(each) != 0;
    });
    return {{"processes", all.size()}, {"traced", traced}};
  }

 private:
  // trace STRACE PID ARGUMENT…
  std::vector<std::string> words(const TargetProcesses& found) const {
    const std::string& call = request_.text("call");
    const std::string every = request_.text("every");
    std::vector<std::string> all = {"trace", host_.machine().tracer(),
                                    std::to_string(found.leader.pid)};
    for (const ProcessName& each : found.all) {
      if (each != found.leader) all.insert(all.end(), {"-p", std::to_string(each.pid)});
    }
    all.insert(all.end(), {"-e", cat("trace=", call), "-e",
                           cat("inject=", call, ":", what_, ":when=", every, "+", every)});
    return all;
  }

  const FaultRequest request_;
  const std::string what_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_syscall_delay(const FaultRequest& request, Host& host) {
  const std::string what = cat("delay_enter=", request.duration("delay").count());
  return std::make_unique<Injection>(request, what, host);
}

std::unique_ptr<Fault> make_syscall_error(const FaultRequest& request, Host& host) {
  return std::make_unique<Injection>(request, cat("error=", request.text("error")), host);
}

std::string why_no_tracer(Host& host) {
  if (host.machine().tracer().empty()) return "strace is not installed, or may trace nobody here";
  return why_no_service(host);
}

}  // namespace panshi::agent
