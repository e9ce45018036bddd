// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/resource/load.h"

#include <filesystem>

#include "agents/faults/effect.h"
#include "agents/faults/node_target.h"
#include "agents/faults/resource/reserves.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr double kAgeMin = 0.5;         // seconds; a rate over less says nothing
constexpr double kRateTolerance = 0.1;  // of what was asked: schedulers and disks are coarse

// What all have in common; what differs is which helper, and what is asked of it.
class HelperLoad : public Fault {
 public:
  HelperLoad(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<nlohmann::json> resolve() final {
    if (auto ours = check_node(request_, host_); !ours) return tl::unexpected<Error>(ours.error());
    return plan();
  }

  Status apply(const nlohmann::json& resolved) final {
    const auto words = resolved.at("words").get<std::vector<std::string>>();
    ASSIGN_OR_RETURN(const auto helper, host_.machine().start_helper(request_.id, words));
    host_.holdings().keep(request_.id, helper);
    return {};
  }

  Status revert(const nlohmann::json&) final {
    host_.holdings().let_go(request_.id);
    return host_.machine().end_helpers(request_.id);
  }

  nlohmann::json measure(const nlohmann::json&) const final {
    const auto helper = host_.holdings().get<Helper>(request_.id);
    return helper ? measured(helper->use()) : nlohmann::json::object();
  }

 protected:
  // {"words": what start_helper() gets}.
  virtual Result<nlohmann::json> plan() = 0;
  virtual nlohmann::json measured(const HelperUse& use) const = 0;

  static nlohmann::json rate(Effect effect, double amount, const HelperUse& use) {
    nlohmann::json json = nlohmann::json::object();
    if (use.age_seconds < kAgeMin) return json;
    effect.measured = amount / use.age_seconds;
    effect.tolerance = kRateTolerance * effect.asked;
    add_effect(json, effect);
    return json;
  }

  const FaultRequest request_;
  Host& host_;
};

class CpuLoad final : public HelperLoad {
 public:
  using HelperLoad::HelperLoad;

 protected:
  Result<nlohmann::json> plan() override {
    const std::int64_t cores = request_.integer("cores");
    if (const std::int64_t all = host_.machine().cores(); cores > all) {
      return fail(ErrorCode::kRefused, cat("this node has ", all, " cores, not ", cores));
    }
    return nlohmann::json{
        {"words", {"cpu", std::to_string(cores), number_text(request_.percent("percent"))}}};
  }
  nlohmann::json measured(const HelperUse& use) const override {
    const double asked =
        static_cast<double>(request_.integer("cores")) * request_.percent("percent");
    return rate({.what = "cpu", .unit = "%", .asked = asked}, 100 * use.cpu_seconds, use);
  }
};

class MemoryLoad final : public HelperLoad {
 public:
  using HelperLoad::HelperLoad;

 protected:
  Result<nlohmann::json> plan() override {
    const std::int64_t size = request_.size("size");
    if (auto spared = spare_memory(host_.machine(), size); !spared) {
      return tl::unexpected<Error>(spared.error());
    }
    return nlohmann::json{{"words", {"memory", std::to_string(size)}}};
  }
  nlohmann::json measured(const HelperUse& use) const override {
    nlohmann::json json;
    const auto asked = static_cast<double>(request_.size("size"));
    constexpr double kOwn = 16 << 20;  // the helper's program and libraries
    add_effect(json, {.what = "memory",
                      .unit = "bytes",
                      .asked = asked,
                      .measured = static_cast<double>(use.resident_bytes),
                      .tolerance = kOwn});
    return json;
  }
};

class DiskLoad final : public HelperLoad {
 public:
  using HelperLoad::HelperLoad;

 protected:
  Result<nlohmann::json> plan() override {
    ASSIGN_OR_RETURN(const auto folder, allowed_path(request_.text("directory"), host_));
    const std::int64_t size = request_.size("size");
    if (auto spared = spare_disk(host_.machine(), folder, size); !spared) {
      return tl::unexpected<Error>(spared.error());
    }
    return nlohmann::json{
        {"words",
         {"disk", folder.string(), std::to_string(request_.size("rate")), std::to_string(size)}}};
  }
  nlohmann::json measured(const HelperUse& use) const override {
    const auto asked = static_cast<double>(request_.size("rate"));
    return rate({.what = "write rate", .unit = "bytes/s", .asked = asked},
                static_cast<double>(use.written_bytes), use);
  }
};

class DiskFill final : public HelperLoad {
 public:
  using HelperLoad::HelperLoad;

 protected:
  Result<nlohmann::json> plan() override {
    ASSIGN_OR_RETURN(const auto folder, allowed_path(request_.text("directory"), host_));
    ASSIGN_OR_RETURN(const Room room, host_.machine().disk(folder));
    const double wanted = request_.percent("percent") / 100 * static_cast<double>(room.total);
    const std::int64_t size = static_cast<std::int64_t>(wanted) - (room.total - room.available);
    if (size <= 0) {
      return fail(ErrorCode::kRefused, cat("it is fuller than that: ", size_text(room.available),
                                           " of ", size_text(room.total), " are free"));
    }
    if (auto spared = spare_disk(host_.machine(), folder, size); !spared) {
      return tl::unexpected<Error>(spared.error());
    }
    return nlohmann::json{{"words", {"fill", folder.string(), std::to_string(size)}}};
  }
  nlohmann::json measured(const HelperUse&) const override {
    nlohmann::json json = nlohmann::json::object();
    const auto room = host_.machine().disk(request_.text("directory"));
    if (!room || room->total <= 0) return json;
    const auto used = static_cast<double>(room->total - room->available);
    constexpr double kTolerancePercent = 1;  // others write and remove meanwhile
    add_effect(json, {.what = "disk full",
                      .unit = "%",
                      .asked = request_.percent("percent"),
                      .measured = 100 * used / static_cast<double>(room->total),
                      .tolerance = kTolerancePercent});
    return json;
  }
};

class ProcessLoad final : public HelperLoad {
 public:
  using HelperLoad::HelperLoad;

 protected:
  Result<nlohmann::json> plan() override {
    const std::int64_t count = request_.integer("count");
    if (auto spared = spare_processes(host_.machine(), count); !spared) {
      return tl::unexpected<Error>(spared.error());
    }
    return nlohmann::json{{"words", {"children", std::to_string(count)}}};
  }
  nlohmann::json measured(const HelperUse& use) const override {
    nlohmann::json json;
    add_effect(json, {.what = "processes",
                      .unit = "",
                      .asked = static_cast<double>(request_.integer("count")),
                      .measured = static_cast<double>(use.children)});
    return json;
  }
};

}  // namespace

std::unique_ptr<Fault> make_cpu_load(const FaultRequest& request, Host& host) {
  return std::make_unique<CpuLoad>(request, host);
}
std::unique_ptr<Fault> make_memory_load(const FaultRequest& request, Host& host) {
  return std::make_unique<MemoryLoad>(request, host);
}
std::unique_ptr<Fault> make_disk_load(const FaultRequest& request, Host& host) {
  return std::make_unique<DiskLoad>(request, host);
}
std::unique_ptr<Fault> make_disk_fill(const FaultRequest& request, Host& host) {
  return std::make_unique<DiskFill>(request, host);
}
std::unique_ptr<Fault> make_process_load(const FaultRequest& request, Host& host) {
  return std::make_unique<ProcessLoad>(request, host);
}

}  // namespace panshi::agent
