// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/time/skew.h"

#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "agents/faults/effect.h"
#include "agents/faults/process/restarted.h"
#include "agents/faults/process/target_processes.h"
#include "core/base/clock.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr double kOffsetTolerance = 0.5;  // seconds: what libfaketime's own start may take
constexpr auto kBetweenLooks = std::chrono::milliseconds(2);
constexpr int kLooksMax = 1'500;
constexpr double kRateTolerance = 2;  // percent, over the short time that is looked at

class TimeSkew final : public Fault {
 public:
  TimeSkew(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<nlohmann::json> resolve() override {
    if (const std::string why = why_no_skew(host_); !why.empty()) {
      return fail(ErrorCode::kRefused, why);
    }
    if (auto may = host_.starts().may_change(request_.target); !may) {
      return tl::unexpected(may.error());
    }
    ASSIGN_OR_RETURN(const TargetProcesses found, find_processes(request_.target, host_));
    nlohmann::json resolved = to_json(found);
    resolved["library"] = host_.machine().fake_clock_library();
    resolved["since"] = SystemClock().wall().time_since_epoch().count();
    return resolved;
  }

  Status apply(const nlohmann::json& resolved) override {
    StartChange change{.fault = request_.id, .env = environment(resolved)};
    if (auto added = host_.starts().add(request_.target, std::move(change)); !added) return added;
    const ProcessName before = processes_from(resolved).leader;
    if (auto done = restart_service(request_.target, before, true, host_); !done) return done;
    return await_loaded(resolved.at("library"));
  }

  Status revert(const nlohmann::json& resolved) override {
    if (auto ended = end_changed_start(request_.target, request_.id, host_); !ended) return ended;
    return remove_leftovers(resolved);
  }

  // Two halves: that the service has the library, and what the library does to a clock.
  nlohmann::json measure(const nlohmann::json& resolved) const override {
    nlohmann::json json;
    const auto leader = host_.process_of(request_.target);
    json["loaded"] = leader && host_.machine().has_loaded(*leader, resolved.at("library"));
    const auto clock = host_.machine().read_clock(environment(resolved));
    if (!clock) return json;
    add_effect(json, {.what = "offset",
                      .unit = "s",
                      .asked = offset_seconds(),
                      .measured = clock->offset_seconds,
                      .tolerance = kOffsetTolerance});
    add_effect(json, {.what = "rate",
                      .unit = "%",
                      .asked = request_.percent("rate"),
                      .measured = clock->rate_percent,
                      .tolerance = kRateTolerance});
    return json;
  }

 private:
  // A program that is linked statically, or may not be changed (setuid), never loads it.
  Status await_loaded(const std::string& library) {
    for (int looks = 0; looks < kLooksMax; ++looks) {
      const auto leader = host_.process_of(request_.target);
      if (leader && host_.machine().has_loaded(*leader, library)) return {};
      std::this_thread::sleep_for(kBetweenLooks);
    }
    return fail(ErrorCode::kRefused,
                cat("service `", request_.target, "` does not load ", library));
  }

  // Of every process that was started with the library since, but for those that ended by
  // themselves: the library does not see the end of one that is killed. Older ones, and what is
  // empty, are another's.
  Status remove_leftovers(const nlohmann::json& resolved) const {
    const std::int64_t since = resolved.value("since", std::int64_t{0});
    for (const auto& file : host_.machine().fake_clock_files()) {
      struct stat facts {};
      if (::stat(file.c_str(), &facts) != 0 || facts.st_uid != ::geteuid()) continue;
      if (facts.st_mtim.tv_sec < since / 1'000'000 || facts.st_size == 0) continue;
      std::error_code error;
      std::filesystem::remove(file, error);
      if (error) return fail(ErrorCode::kInternal, cat(file.string(), ": ", error.message()));
    }
    return {};
  }

  double offset_seconds() const {
    const auto magnitude = static_cast<double>(request_.duration("offset").count()) / 1e6;
    return request_.text("direction") == "ahead" ? magnitude : -magnitude;
  }

  std::map<std::string, std::string> environment(const nlohmann::json& resolved) const {
    const double offset = offset_seconds();
    return {{"LD_PRELOAD", resolved.at("library")},
            {"FAKETIME", cat(offset < 0 ? "" : "+", number_text(offset), " x",
                             number_text(request_.percent("rate") / 100))},
            {"FAKETIME_DONT_FAKE_MONOTONIC", "1"},
            {"FAKETIME_DONT_RESET", "1"}};
  }

  const FaultRequest request_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_time_skew(const FaultRequest& request, Host& host) {
  return std::make_unique<TimeSkew>(request, host);
}

std::string why_no_skew(Host& host) {
  if (host.machine().fake_clock_library().empty()) return "libfaketime is not installed";
  return why_no_service(host);
}

}  // namespace panshi::agent
