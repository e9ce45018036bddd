// SPDX-License-Identifier: Apache-2.0
// FakeBrain: a Brain of a few lines for tests of what surrounds it. It journals an epoch like the
// real one, passes inputs to a function of the test, and remembers what it was given.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "controller/loop/brain.h"

namespace panshi::controller {

class FakeBrain final : public Brain {
 public:
  using Step = std::function<Stepped(const Input&, WallTime)>;
  explicit FakeBrain(Step step = {}) : step_(std::move(step)) {}

  static Event event(std::string kind, WallTime at, nlohmann::json data = {}) {
    Event made;
    made.at = at;
    made.kind = std::move(kind);
    made.data = data.is_null() ? nlohmann::json::object() : std::move(data);
    return made;
  }

  void apply(const Event& event) override {
    if (event.kind == "controller.started") epoch_ = event.data.at("epoch");
    applied.push_back(event);
  }
  Stepped step(const Input& input, WallTime now) override {
    Stepped stepped;
    if (std::holds_alternative<Restarted>(input)) {
      stepped.events.push_back(event("controller.started", now, {{"epoch", epoch_ + 1}}));
    }
    if (std::holds_alternative<Stopping>(input)) {
      stepped.events.push_back(event("controller.stopped", now));
    }
    for (const Event& each : stepped.events) apply(each);
    if (!step_) return stepped;
    Stepped more = step_(input, now);
    for (const Event& each : more.events) apply(each);
    more.events.insert(more.events.begin(), stepped.events.begin(), stepped.events.end());
    return more;
  }
  std::optional<WallTime> next_deadline() const override { return deadline; }
  std::int64_t epoch() const override { return epoch_; }
  std::vector<std::string> faults_to_renew(const std::string& node) const override {
    const auto found = renew.find(node);
    return found == renew.end() ? std::vector<std::string>() : found->second;
  }
  nlohmann::json watches(const std::string&) const override { return watch; }
  nlohmann::json view(WallTime) const override {
    ++views;
    return shown;
  }

  std::vector<Event> applied;
  std::optional<WallTime> deadline;
  std::map<std::string, std::vector<std::string>> renew;
  nlohmann::json watch = nlohmann::json::array();
  nlohmann::json shown = nlohmann::json::object();
  mutable int views = 0;  // that were made

 private:
  Step step_;
  std::int64_t epoch_ = 0;
};

}  // namespace panshi::controller
