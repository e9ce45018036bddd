// SPDX-License-Identifier: Apache-2.0
#include "controller/loop/step.h"

#include "controller/drills/drills.h"
#include "controller/incidents/incidents.h"
#include "controller/loop/commands.h"
#include "controller/loop/facts.h"
#include "controller/loop/reload.h"
#include "controller/loop/view.h"
#include "controller/rules/rules.h"
#include "controller/runbooks/runbooks.h"
#include "controller/scheduler/scheduler.h"
#include "controller/world/faults.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

constexpr int kRoundsMax = 1000;  // more means two machines answering each other for ever

template <class... Handlers>
struct Overload : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overload(Handlers...) -> Overload<Handlers...>;

void take(Context& context, const Input& input) {
  std::visit(
      Overload{
          [&](const Restarted& in) { on_restarted(context, in); },
          [&](const Stopping&) { context.emit("controller.stopped", nlohmann::json::object()); },
          [](const Tick&) {}, [&](const AgentEvents& in) { on_agent_events(context, in); },
          [&](const AgentState& in) { on_agent_state(context, in); },
          [&](const AgentLost& in) { on_agent_lost(context, in); },
          [&](const EffectDone& in) { on_effect_done(context, in); },
          [&](const LateLoop& in) { on_late_loop(context, in); },
          [&](const ClockMoved& in) { on_clock_moved(context, in); },
          [&](const Command& in) { context.out.answer = on_command(context, in); },
          [](const Reloaded&) {}},  // see World::step
      input);
}

// Each machine looks at the state and does what is due, until none has anything to do.
void advance(Context& context) {
  for (int round = 0;; ++round) {
    CHECK_BUG(round < kRoundsMax);
    const std::size_t before = context.out.events.size();
    context.wake.reset();
    advance_effects(context);
    advance_contacts(context);
    advance_doubt(context);
    advance_rules(context);
    advance_runbooks(context);
    advance_drills(context);
    advance_faults(context);
    advance_halt(context);
    advance_incidents(context);
    advance_scheduler(context);
    if (context.out.events.size() == before) return;
  }
}

}  // namespace

struct World::Impl {
  Impl(const Catalog& catalog_in, Memory::EffectTag effect_tag)
      : catalog(&catalog_in), memory(catalog_in, std::move(effect_tag)) {}
  std::vector<std::string> take_in(const Reloaded& input);

  const Catalog* catalog;
  std::shared_ptr<const Catalog> reloaded;  // what `catalog` is since then
  State state;
  Memory memory;
  std::optional<WallTime> deadline;
};

// What changed.
std::vector<std::string> World::Impl::take_in(const Reloaded& input) {
  const Catalog& before = *catalog;
  std::vector<std::string> changes = changes_between(before, *input.catalog);
  memory.take_in(before, *input.catalog);
  reloaded = input.catalog;
  catalog = reloaded.get();
  return changes;
}

World::World(const Catalog& catalog, Memory::EffectTag effect_tag)
    : impl_(std::make_unique<Impl>(catalog, std::move(effect_tag))) {}
World::~World() = default;
World::World(World&&) noexcept = default;
World& World::operator=(World&&) noexcept = default;

void World::apply(const Event& event) { fold(impl_->state, event); }

Stepped World::step(const Input& input, WallTime now) {
  Stepped out;
  std::optional<std::vector<std::string>> changes;
  if (const auto* reload = std::get_if<Reloaded>(&input)) {
    const std::string why = why_not_reload(impl_->state, *impl_->catalog, *reload->catalog);
    if (!why.empty()) {
      out.answer = fail(ErrorCode::kConflict, cat("nothing is taken in: ", why));
      return out;
    }
    changes = impl_->take_in(*reload);
  }
  Context context(*impl_->catalog, impl_->state, impl_->memory, now, out);
  take(context, input);
  if (changes) {
    if (!changes->empty()) context.emit("catalog.changed", {{"changes", *changes}});
    compare_inventories(context);
    out.answer = nlohmann::json{{"changes", *changes}};
  }
  if (!std::holds_alternative<Stopping>(input)) advance(context);
  impl_->deadline = context.wake;
  return out;
}

std::optional<WallTime> World::next_deadline() const { return impl_->deadline; }

std::int64_t World::epoch() const { return impl_->state.epoch; }

std::vector<std::string> World::faults_to_renew(const std::string& node) const {
  return renewable(impl_->state, node);
}

nlohmann::json World::watches(const std::string& node) const {
  return watched(*impl_->catalog, impl_->state, node);
}

nlohmann::json World::view(WallTime now) const {
  return view_of(*impl_->catalog, impl_->state, impl_->memory, now);
}

}  // namespace panshi::controller
