// SPDX-License-Identifier: Apache-2.0
// A line of the journal that is read can be written and folded, whatever its data are: the state
// that a controller starts from never depends on a field being there.
#include <cstddef>
#include <cstdint>

#include "controller/world/state.h"
#include "core/base/check.h"
#include "core/json/fields.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = panshi::parse_json({reinterpret_cast<const char*>(data), size}, 1 << 16);
  if (!json) return 0;
  panshi::controller::State state;
  const auto fold_one = [&](const nlohmann::json& line) {
    const auto event = panshi::event_from_json(line);
    if (!event) {
      CHECK_BUG(!event.error().message.empty());
      return;
    }
    const auto again = panshi::event_from_json(panshi::to_json(*event));
    CHECK_BUG(again && again->kind == event->kind && again->at == event->at);
    panshi::controller::fold(state, *event);
  };
  if (!json->is_array()) fold_one(*json);
  for (const nlohmann::json& line : json->is_array() ? *json : nlohmann::json::array()) {
    fold_one(line);
  }
  return 0;
}
