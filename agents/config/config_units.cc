// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agents/config/config_parts.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr std::string_view kSuffix = ".service";

bool is_unit_name(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":-_.\\@").find(c) != std::string_view::npos;
  };
  return name.size() > kSuffix.size() && name.size() < 256 && name.ends_with(kSuffix) &&
         name.front() != '-' && std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

bool read_unit(Fields& in, ServiceConfig& out) {
  in.may("systemd", out.unit);
  if (out.unit.empty()) return false;
  if (!is_unit_name(out.unit)) {
    in.problem("systemd", cat("`", out.unit, "` is not the name of a unit such as nginx.service"));
  }
  for (const char* key : {"command", "prepare", "env"}) {
    if (in.may_value(key)) in.problem(key, "is for systemd to say, in the unit's file");
  }
  return true;
}

}  // namespace panshi::agent
