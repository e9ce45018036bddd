// SPDX-License-Identifier: Apache-2.0
#include "controller/world/context.h"

#include <array>
#include <cstdio>

#include "core/base/text.h"

namespace panshi::controller {

Memory::Memory(const Catalog& catalog, EffectTag tag)
    : effect_tag(std::move(tag)),
      samples(catalog.settings.stale_after),
      authority(catalog.inventory) {
  for (const auto& [name, rule] : catalog.rules) rules_by_signal[rule.when.signal].push_back(&rule);
}

void Memory::take_in(const Catalog& before, const Catalog& after) {
  authority = Authority(after.inventory);
  rules_by_signal.clear();
  for (const auto& [name, rule] : after.rules) rules_by_signal[rule.when.signal].push_back(&rule);
  std::erase_if(rules, [&](const auto& watched) {
    const auto old_one = before.documents.find("rule " + watched.first);
    const auto new_one = after.documents.find("rule " + watched.first);
    return old_one == before.documents.end() || new_one == after.documents.end() ||
           old_one->second != new_one->second;
  });
  next_due.clear();
  held.clear();
}

void Context::emit(std::string kind, nlohmann::json data, Owner owner) {
  emit_at(now, std::move(kind), std::move(data), std::move(owner));
}

void Context::emit_at(WallTime at, std::string kind, nlohmann::json data, Owner owner) {
  Event event;
  event.at = at;
  event.kind = std::move(kind);
  event.drill = std::move(owner.drill);
  event.incident = std::move(owner.incident);
  event.run = std::move(owner.run);
  event.node = std::move(owner.node);
  event.data = std::move(data);
  fold(state, event);
  out.events.push_back(std::move(event));
}

std::string Context::next_effect() const {
  const std::int64_t number = state.counters.effect + 1;
  return memory.effect_tag ? cat("e-", number, ".", memory.effect_tag(number)) : cat("e-", number);
}

std::string Context::intend(Effect effect, Owner owner, const nlohmann::json& more) {
  effect.id = next_effect();
  if (row_of(effect.kind).has_own_id) effect.subject = effect.id;
  nlohmann::json data = to_json(effect);
  if (more.is_object()) data.update(more);
  owner.node = effect.node;
  emit("effect.intended", std::move(data), std::move(owner));
  out.effects.push_back(effect);
  return effect.id;
}

bool Context::first_contact_over() const {
  return memory.contacted.size() >= catalog.inventory.nodes.size() ||
         now >= state.started_at + catalog.settings.contact_within;
}

bool Context::silence_counts(const Comparison& comparison) {
  if (state.doubt) return false;  // its end wakes us
  if (memory.samples.was_fed(comparison)) return true;
  const WallTime by = state.started_at + catalog.settings.contact_within;
  if (now >= by) return true;
  wake_at(by);
  return false;
}

std::string time_text(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02ld:%02ld:%02ldZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<long>(clock.hours().count()),
                static_cast<long>(clock.minutes().count()),
                static_cast<long>(clock.seconds().count()));
  return text.data();
}

}  // namespace panshi::controller
