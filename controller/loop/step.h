// SPDX-License-Identifier: Apache-2.0
// The controller's brain: step(world, input, now) -> events + effects.
//
// Pure: no clock, socket, thread or file. The caller (loop.cc) does, in this order: journal the
// events durably, then carry out the effects. `step` has already folded its events into the world.
// A crash between the two is healed at the next start: an effect that was intended and has no
// outcome is asked about at its agent (or given the outcome `unknown`) by Input::Restarted.
//
// Owned by the thread `loop`.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/world/context.h"
#include "controller/world/protocol.h"  // Input, Effect, Stepped
#include "core/model/catalog.h"

namespace panshi::controller {

class World {
 public:
  // The catalog must outlive the world, or the first Reloaded that was taken in.
  explicit World(const Catalog& catalog, Memory::EffectTag effect_tag = {});
  ~World();
  World(World&&) noexcept;
  World& operator=(World&&) noexcept;

  void apply(const Event& event);  // the fold; also used at start, over the whole journal
  Stepped step(const Input& input, WallTime now);
  std::optional<WallTime> next_deadline() const;
  std::int64_t epoch() const;  // 0 before Restarted; then one more than any in the journal

  // For the long polls: fault ids to renew on a node, and the comparisons whose crossing an agent
  // should report at once ([{"signal","is","value"}]).
  std::vector<std::string> faults_to_renew(const std::string& node) const;
  nlohmann::json watches(const std::string& node) const;

  // What the API shows: {"epoch","halted","halt_reason","doubt","drill","open_incidents","drills",
  // "incidents","runs","faults" (by id),"agents" (by node),"rules","runbooks","schedule" (lists)};
  // see docs/reference/controller-api.md. `version` and `journal_seq` are the caller's to add.
  nlohmann::json view(WallTime now) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi::controller
