// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/network/shaping.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>

#include "agents/faults/effect.h"
#include "agents/faults/node_target.h"
#include "agents/host/packet_tap.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using namespace std::chrono_literals;

// Looks through the interface and adds what it sees, beside what was asked.
using Look = Status (*)(const FaultRequest& request, Network& network, TapPlan plan,
                        nlohmann::json& measured);

// A look takes as long as the packets do: longer than an order should wait, or a revert.
class Looking {
 public:
  Looking(const FaultRequest& request, Look look, Network& network) {
    thread_ = std::thread([this, request, look, &network] {
      nlohmann::json seen = nlohmann::json::object();
      const TapPlan plan{.interface = request.text("interface"), .stop = &stop_};
      if (auto looked = look(request, network, plan, seen); !looked) {
        seen["unmeasured"] = looked.error().message;
      }
      const std::lock_guard lock(mutex_);
      seen_ = std::move(seen);
    });
    ::pthread_setname_np(thread_.native_handle(), "packet-tap");
  }
  ~Looking() {
    stop_ = true;
    thread_.join();
  }
  Looking(const Looking&) = delete;
  Looking& operator=(const Looking&) = delete;

  nlohmann::json seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_;
  nlohmann::json seen_ = {{"unmeasured", "it is being looked at"}};
  std::thread thread_;  // last: it uses the others
};

class Shaping final : public Fault {
 public:
  Shaping(const FaultRequest& request, std::vector<std::string> words, Look look, Host& host)
      : request_(request), words_(std::move(words)), look_(look), host_(host) {}

  Result<nlohmann::json> resolve() override {
    if (auto ours = check_node(request_, host_); !ours) return tl::unexpected<Error>(ours.error());
    if (auto why = host_.network().why_no_discipline(words_.front()); !why.empty()) {
      return fail(ErrorCode::kRefused, std::move(why));
    }
    ASSIGN_OR_RETURN(const std::string foreign, host_.network().discipline(interface()));
    if (!foreign.empty()) {
      return fail(ErrorCode::kRefused,
                  cat("interface ", interface(), " has a root discipline (", foreign,
                      ") that somebody else has set; it is not touched"));
    }
    return nlohmann::json{{"interface", interface()}};
  }

  Status apply(const nlohmann::json&) override {
    if (auto set = host_.network().set_discipline(interface(), words_); !set) return set;
    host_.holdings().keep(request_.id, std::make_shared<Looking>(request_, look_, host_.network()));
    return {};
  }
  Status revert(const nlohmann::json&) override {
    host_.holdings().let_go(request_.id);
    return host_.network().clear_discipline(interface());
  }
  nlohmann::json measure(const nlohmann::json&) const override {
    const auto looking = host_.holdings().get<Looking>(request_.id);
    nlohmann::json measured = looking ? looking->seen() : nlohmann::json::object();
    measured["in_force"] = host_.network().is_ours(interface());
    return measured;
  }

 private:
  const std::string& interface() const { return request_.text("interface"); }

  const FaultRequest request_;
  const std::vector<std::string> words_;
  const Look look_;
  Host& host_;
};

double milliseconds(Duration duration) { return static_cast<double>(duration.count()) / 1000; }
std::string tc_time(Duration duration) { return cat(number_text(milliseconds(duration)), "ms"); }

constexpr std::int64_t kBurst = 32 << 10;   // bytes that tbf lets through at once
constexpr std::size_t kDamageSize = 1'000;  // a bit that flips in the header of a frame is not seen
constexpr auto kReorderGap = std::chrono::milliseconds(10);
constexpr auto kLongestLook = std::chrono::seconds(5);

Status look_at_delay(const FaultRequest& request, Network& network, TapPlan plan,
                     nlohmann::json& measured) {
  const double delay = milliseconds(request.duration("delay"));
  const double jitter = milliseconds(request.duration("jitter"));
  const Duration most = request.duration("delay") + request.duration("jitter");
  if (most > kLongestLook) return fail(ErrorCode::kRefused, "a delay too long to wait for");
  // Of a handshake, and of a request with its answer, one packet leaves here; both do by `lo`.
  const double ways = plan.interface == "lo" ? 2 : 1;
  measured["predicted"] = {{"handshake_ms", ways * delay}, {"round_trip_ms", ways * delay}};
  plan.patience = most + 500ms;
  ASSIGN_OR_RETURN(const TapReport seen, network.look_at(plan));
  // The mean of n even draws of +-jitter has a deviation of jitter / sqrt(3 n): four of them.
  const double chance = 4 * jitter / std::sqrt(3.0 * static_cast<double>(plan.packets));
  add_effect(measured, {.what = "delay",
                        .unit = "ms",
                        .asked = delay,
                        .measured = mean_delay_ms(seen),
                        .tolerance = 1 + 0.05 * delay + chance});
  if (jitter == 0) return {};
  add_effect(measured, {.what = "jitter",
                        .unit = "ms",
                        .asked = jitter,
                        .measured = half_range_ms(seen),
                        .tolerance = 1 + 0.15 * jitter});
  return {};
}

bool was_lost(const TappedPacket& packet) { return packet.times == 0; }
bool was_doubled(const TappedPacket& packet) { return packet.times > 1; }
bool was_damaged(const TappedPacket& packet) { return packet.damaged; }
bool was_early(const TappedPacket& packet) {
  return packet.times > 0 && packet.delay < kReorderGap / 2;
}

Status look_at_damage(const FaultRequest& request, Network& network, TapPlan plan,
                      nlohmann::json& measured) {
  constexpr std::size_t kPackets = 1'000;
  plan.packets = kPackets;
  plan.size = kDamageSize;
  plan.spacing = 200us;
  plan.patience = 300ms;
  ASSIGN_OR_RETURN(const TapReport seen, network.look_at(plan));
  const std::string& what = request.text("what");
  const double asked = request.percent("percent");
  // Four deviations of a share of so many packets, and one packet.
  const double chance = 400 * std::sqrt(asked / 100 * (1 - asked / 100) / kPackets);
  add_effect(measured, {.what = what,
                        .unit = "%",
                        .asked = asked,
                        .measured = percent_of(seen, what == "loss"        ? &was_lost
                                                     : what == "duplicate" ? &was_doubled
                                                     : what == "corrupt"   ? &was_damaged
                                                                           : &was_early),
                        .tolerance = chance + 100.0 / kPackets});
  return {};
}

// A train of packets that takes a third of a second, after the burst that goes at once. Whatever
// else the interface sends meanwhile is counted too.
Status look_at_rate(const FaultRequest& request, Network& network, TapPlan plan,
                    nlohmann::json& measured) {
  constexpr std::int64_t kTrainMax = 2 << 20;
  constexpr std::int64_t kPerTrain = 50;  // packets beyond the burst
  const std::int64_t rate = request.size("rate");
  const std::int64_t train = std::min(rate / 3, kTrainMax);
  const std::int64_t size = std::clamp<std::int64_t>(train / kPerTrain, 60, 1'400);
  plan.packets = static_cast<std::size_t>((kBurst + train) / size + 1);
  plan.size = static_cast<std::size_t>(size);
  plan.spacing = Duration(0);
  plan.everybody = true;
  ASSIGN_OR_RETURN(const TapReport seen, network.look_at(plan));
  add_effect(measured, {.what = "rate",
                        .unit = "bytes/s",
                        .asked = static_cast<double>(rate),
                        .measured = std::round(rate_after(seen, kBurst)),
                        .tolerance = 0.1 * static_cast<double>(rate)});
  return {};
}

}  // namespace

std::unique_ptr<Fault> make_rate(const FaultRequest& request, Host& host) {
  const std::string rate = cat(8 * request.size("rate"), "bit");
  std::vector<std::string> words = {"tbf", "rate", rate, "burst", cat(kBurst), "latency", "400ms"};
  return std::make_unique<Shaping>(request, std::move(words), &look_at_rate, host);
}

std::unique_ptr<Fault> make_delay(const FaultRequest& request, Host& host) {
  std::vector<std::string> words = {"netem", "delay", tc_time(request.duration("delay")),
                                    tc_time(request.duration("jitter"))};
  return std::make_unique<Shaping>(request, std::move(words), &look_at_delay, host);
}

// What overtakes is sent at once, so the others must be late.
std::unique_ptr<Fault> make_damage(const FaultRequest& request, Host& host) {
  std::vector<std::string> words = {"netem"};
  if (request.text("what") == "reorder") words.insert(words.end(), {"delay", tc_time(kReorderGap)});
  words.insert(words.end(),
               {request.text("what"), cat(number_text(request.percent("percent")), "%")});
  return std::make_unique<Shaping>(request, std::move(words), &look_at_damage, host);
}

std::string why_no_tbf(Host& host) { return host.network().why_no_discipline("tbf"); }
std::string why_no_netem(Host& host) { return host.network().why_no_discipline("netem"); }

}  // namespace panshi::agent
