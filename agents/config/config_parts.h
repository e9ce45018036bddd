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
void read_port(Fields& in, const char* key, std::uint16_t& out, bool needed);
void read_sql_account(const nlohmann::json& value, std::string path, Problems& problems,
                      ServiceConfig& service);
void read_redis_server(const nlohmann::json& value, std::string path, Problems& problems,
                       ServiceConfig& service);
void read_nats_server(const nlohmann::json& value, std::string path, Problems& problems,
                      ServiceConfig& service);
// Whoever runs a service may hear the passwords that are told to it.
void name_accounts(AgentConfig& config);
LinkConfig read_link(const nlohmann::json& value, const std::string& path, Problems& problems);
// Every port that the configuration names, and whose it is.
std::map<std::uint16_t, std::string> kept_ports(const AgentConfig& config);
void read_toxiproxy(const nlohmann::json& value, Problems& problems, AgentConfig& config);

}  // namespace panshi::agent
