// SPDX-License-Identifier: Apache-2.0
#include "core/model/event.h"

#include "core/json/fields.h"

namespace panshi {

nlohmann::json to_json(const Event& event) {
  return {{"seq", event.seq},     {"at_us", to_us(event.at)},   {"kind", event.kind},
          {"drill", event.drill}, {"incident", event.incident}, {"run", event.run},
          {"node", event.node},   {"data", event.data}};
}

Result<Event> event_from_json(const nlohmann::json& json) {
  Event event;
  std::int64_t at_us = 0;
  Problems problems;
  Fields in(json, "", problems);
  in.need("seq", event.seq);
  in.need("at_us", at_us);
  in.need("kind", event.kind);
  in.may("drill", event.drill);
  in.may("incident", event.incident);
  in.may("run", event.run);
  in.may("node", event.node);
  if (const auto* data = in.need_value("data")) {
    if (!data->is_object()) in.problem("data", "must be an object");
    event.data = *data;
  }
  in.done();
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  event.at = from_us(at_us);
  return event;
}

}  // namespace panshi
