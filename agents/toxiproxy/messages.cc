// SPDX-License-Identifier: Apache-2.0
#include "agents/toxiproxy/messages.h"

#include <algorithm>
#include <functional>
#include <set>

#include "agents/links/link_table.h"
#include "agents/toxiproxy/lenient_json.h"
#include "core/base/text.h"

namespace panshi::agent::toxiproxy {
namespace {

using nlohmann::json;
using Kind = Toxic::Kind;

struct ToxicType {
  const char* name;
  Kind kind;
  std::vector<std::string> attributes;
};

const std::vector<ToxicType>& toxic_types() {
  static const std::vector<ToxicType> kTypes = {
      {"bandwidth", Kind::kBandwidth, {"rate"}},
      {"latency", Kind::kDelay, {"jitter", "latency"}},
      {"limit_data", Kind::kLimit, {"bytes"}},
      {"noop", Kind::kNothing, {}},
      {"reset_peer", Kind::kResetPeer, {"timeout"}},
      {"slicer", Kind::kSlicer, {"average_size", "delay", "size_variation"}},
      {"slow_close", Kind::kSlowClose, {"delay"}},
      {"timeout", Kind::kBlackHole, {"timeout"}},
  };
  return kTypes;
}

const ToxicType* find_type(const std::string& name) {
  for (const ToxicType& type : toxic_types()) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

tl::unexpected<ApiError> bad_body(const std::string& why) {
  return refused(400, cat("bad request body: ", why));
}

Answer<json> read_body(const std::string& body) {
  auto value = read_first_value(body);
  if (!value) return bad_body(value.error().message);
  return std::move(*value);
}

Answer<ProxyInput> fill_proxy(const json& value, ProxyInput input) {
  if (!value.is_object() && !value.is_null()) {
    return bad_body(cat("json: cannot unmarshal ", value.type_name(), " into a proxy"));
  }
  for (const Status& read :
       {read_field(value, "name", input.name), read_field(value, "listen", input.listen),
        read_field(value, "upstream", input.upstream),
        read_field(value, "enabled", input.enabled)}) {
    if (!read) return bad_body(read.error().message);
  }
  return input;
}

Done fill_attributes(const json& value, NamedToxic& toxic) {
  const json* attributes = find_field(value, "attributes");
  if (attributes == nullptr) return {};
  if (!attributes->is_object()) {
    return bad_body(cat("json: cannot unmarshal ", attributes->type_name(), " into attributes"));
  }
  for (auto& [name, number] : toxic.attributes) {
    if (const auto read = read_field(*attributes, name, number); !read) {
      return bad_body(read.error().message);
    }
  }
  return {};
}

// Both ends of what a link takes; more is as good as for ever.
Duration bounded(std::int64_t count, std::int64_t us_each) {
  const std::int64_t most = LinkTable::kDelayMax.count() / us_each;
  return Duration(std::clamp<std::int64_t>(count, 0, most) * us_each);
}

}  // namespace

bool NamedToxic::is_upstream() const { return lower(stream) == "upstream"; }

Answer<ProxyInput> read_proxy(const std::string& body, ProxyInput input) {
  auto value = read_body(body);
  if (!value) return tl::unexpected(value.error());
  return fill_proxy(*value, std::move(input));
}

Answer<std::vector<ProxyInput>> read_proxies(const std::string& body) {
  auto value = read_body(body);
  if (!value) return tl::unexpected(value.error());
  std::vector<ProxyInput> all;
  if (!value->is_array() && !value->is_null()) {
    return bad_body(cat("json: cannot unmarshal ", value->type_name(), " into a list of proxies"));
  }
  for (const json& item : *value) {
    auto proxy = fill_proxy(item, {});
    if (!proxy) return tl::unexpected(proxy.error());
    all.push_back(std::move(*proxy));
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const auto& [field, text] :
         {std::pair("name", &all[i].name), {"upstream", &all[i].upstream}}) {
      if (!text->empty()) continue;
      return refused(400, cat("missing required field: ", field, " at proxy ", i + 1));
    }
    if (!names.insert(all[i].name).second) {
      return bad_body(cat("proxy `", all[i].name, "` is there twice"));
    }
  }
  return all;
}

Answer<NamedToxic> read_toxic(const std::string& body,
                              const std::function<bool(const std::string&)>& taken) {
  auto value = read_body(body);
  if (!value) return tl::unexpected(value.error());
  NamedToxic toxic;
  toxic.stream = "downstream";
  for (const Status& read :
       {read_field(*value, "name", toxic.name), read_field(*value, "type", toxic.type),
        read_field(*value, "stream", toxic.stream),
        read_field(*value, "toxicity", toxic.toxicity)}) {
    if (!read) return bad_body(read.error().message);
  }
  if (!toxic.is_upstream() && lower(toxic.stream) != "downstream") {
    return refused(400, "stream was invalid, can be either upstream or downstream");
  }
  if (toxic.name.empty()) toxic.name = cat(toxic.type, "_", toxic.stream);
  const ToxicType* type = find_type(toxic.type);
  if (type == nullptr) return refused(400, "invalid toxic type");
  if (taken(toxic.name)) return refused(409, "toxic already exists");
  for (const std::string& name : type->attributes) toxic.attributes[name] = 0;
  if (auto filled = fill_attributes(*value, toxic); !filled) return tl::unexpected(filled.error());
  return toxic;
}

Answer<NamedToxic> read_toxic_update(const std::string& body, NamedToxic toxic) {
  auto value = read_body(body);
  if (!value) return tl::unexpected(value.error());
  if (const auto read = read_field(*value, "toxicity", toxic.toxicity); !read) {
    return bad_body(read.error().message);
  }
  if (auto filled = fill_attributes(*value, toxic); !filled) return tl::unexpected(filled.error());
  return toxic;
}

json to_json(const NamedToxic& toxic) {
  return {{"name", toxic.name},
          {"type", toxic.type},
          {"stream", toxic.stream},
          {"toxicity", toxic.toxicity},
          {"attributes", json(toxic.attributes)}};
}

Toxic to_link_toxic(const NamedToxic& toxic) {
  const auto attribute = [&](const char* name) {
    const auto found = toxic.attributes.find(name);
    return found == toxic.attributes.end() ? std::int64_t{0}
                                           : std::max<std::int64_t>(0, found->second);
  };
  constexpr std::int64_t kMs = 1000;
  constexpr std::int64_t kKbMax = INT64_MAX / 1'000'000'000;  // a rate is multiplied by a million
  Toxic out{.kind = find_type(toxic.type)->kind};
  out.direction = toxic.is_upstream() ? Toxic::Direction::kUpstream : Toxic::Direction::kDownstream;
  out.toxicity = std::clamp(toxic.toxicity, 0.0, 1.0);
  out.rate = std::min(attribute("rate"), kKbMax) * 1000;
  out.bytes = toxic.type == "slicer" ? attribute("average_size") : attribute("bytes");
  out.variation = std::min<std::int64_t>(attribute("size_variation"), INT32_MAX);
  out.jitter = bounded(attribute("jitter"), kMs);
  const bool in_us = toxic.type == "slicer";
  out.delay = bounded(std::max({attribute("latency"), attribute("timeout"), attribute("delay")}),
                      in_us ? 1 : kMs);
  return out;
}

}  // namespace panshi::agent::toxiproxy
