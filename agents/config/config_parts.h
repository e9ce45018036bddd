// SPDX-License-Identifier: Apache-2.0
// Readers that the files of the configuration share; for agents/config*.cc only.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "agents/config/config.h"
#include "core/json/fields.h"

namespace panshi::agent {

void need_id(Fields& in, const char* key, std::string& out);
// True for a service that is a unit of systemd, whose other keys are fewer.
bool read_unit(Fields& in, ServiceConfig& out);
LinkConfig read_link(const nlohmann::json& value, const std::string& path, Problems& problems);
// Every port that the configuration names, and whose it is.
std::map<std::uint16_t, std::string> kept_ports(const AgentConfig& config);
void read_toxiproxy(const nlohmann::json& value, Problems& problems, AgentConfig& config);

}  // namespace panshi::agent
