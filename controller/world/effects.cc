// SPDX-License-Identifier: Apache-2.0
#include "controller/world/effects.h"

#include <algorithm>
#include <array>

#include "controller/events/event_data.h"
#include "core/base/check.h"

namespace panshi::controller {
namespace {

constexpr std::array<EffectRow, 7> kRows = {{
    {EffectKind::kInject, "inject", "PUT", "/v1/faults/{}", false, false},
    {EffectKind::kRevert, "revert", "POST", "/v1/faults/{}/revert", true, false},
    {EffectKind::kClear, "clear", "POST", "/v1/faults/{}/clear", false, false},
    {EffectKind::kAct, "act", "PUT", "/v1/actions/{}", false, true},
    {EffectKind::kRevertAll, "revert_all", "POST", "/v1/revert-all", true, false},
    {EffectKind::kNotify, "notify", "", "", false, false},
    {EffectKind::kReport, "report", "", "", false, false},
}};

}  // namespace

const EffectRow& row_of(EffectKind kind) {
  const auto found = std::find_if(kRows.begin(), kRows.end(),
                                  [&](const EffectRow& row) { return row.kind == kind; });
  CHECK_BUG(found != kRows.end());
  return *found;
}

std::optional<EffectKind> effect_kind(std::string_view word) {
  const auto found = std::find_if(kRows.begin(), kRows.end(),
                                  [&](const EffectRow& row) { return row.word == word; });
  return found == kRows.end() ? std::nullopt : std::optional(found->kind);
}

bool Effect::is_for_agent() const { return *row_of(kind).method != '\0'; }

nlohmann::json to_json(const Effect& effect) {
  return {{"effect", effect.id},
          {"kind", row_of(effect.kind).word},
          {"subject", effect.subject},
          {"body", effect.body},
          {"timeout_ms", effect.timeout / std::chrono::milliseconds(1)}};
}

std::optional<Effect> effect_in(const nlohmann::json& data) {
  const auto kind = effect_kind(text_of(data, "kind"));
  if (!kind) return std::nullopt;
  Effect effect;
  effect.id = text_of(data, "effect");
  effect.kind = *kind;
  effect.subject = text_of(data, "subject");
  effect.body = data.value("body", nlohmann::json::object());
  effect.timeout = std::chrono::milliseconds(integer_of(data, "timeout_ms").value_or(0));
  return effect;
}

}  // namespace panshi::controller
