// SPDX-License-Identifier: Apache-2.0
// WorldBrain: the real World behind the interface that the loop drives.
#pragma once

#include "controller/loop/brain.h"

namespace panshi::controller {

class WorldBrain final : public Brain {
 public:
  explicit WorldBrain(const Catalog& catalog, Memory::EffectTag effect_tag = {})
      : world_(catalog, std::move(effect_tag)) {}
  void apply(const Event& event) override { world_.apply(event); }
  Stepped step(const Input& input, WallTime now) override { return world_.step(input, now); }
  std::optional<WallTime> next_deadline() const override { return world_.next_deadline(); }
  std::int64_t epoch() const override { return world_.epoch(); }
  std::vector<std::string> faults_to_renew(const std::string& node) const override {
    return world_.faults_to_renew(node);
  }
  nlohmann::json watches(const std::string& node) const override { return world_.watches(node); }
  nlohmann::json view(WallTime now) const override { return world_.view(now); }

 private:
  World world_;
};

}  // namespace panshi::controller
