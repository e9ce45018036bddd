// SPDX-License-Identifier: Apache-2.0
#include "cli/lab/agents.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"

namespace panshi::cli {
namespace {

std::string token_in(const std::string& file) {
  return trimmed(read_file(file, 4096).value_or(""));
}

std::string text(const nlohmann::json& json, const char* key) {
  return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : std::string();
}

std::int64_t number(const nlohmann::json& json, const char* key) {
  return json.contains(key) && json[key].is_number_integer() ? json[key].get<std::int64_t>() : 0;
}

}  // namespace

bool NodeSeen::all_ready() const {
  return up && std::all_of(services.begin(), services.end(),
                           [](const ServiceSeen& service) { return service.state == "ready"; });
}

LabCalls::LabCalls(const LabRecord& record)
    : record_(record),
      tls_(record.authority.empty()
               ? nullptr
               : std::make_shared<const TlsFiles>(TlsFiles{"", "", record.authority})) {}

Result<nlohmann::json> LabCalls::get(const std::string& url, const std::string& token_file) {
  HttpCall call;
  call.url = url;
  call.token = token_file.empty() ? "" : token_in(token_file);
  call.tls = tls_;
  call.timeout = std::chrono::seconds(2);
  ASSIGN_OR_RETURN(const HttpReply reply, client_.send(call));
  if (reply.status != 200) return fail(ErrorCode::kRefused, cat("answered ", reply.status));
  return parse_json(reply.body, 8 << 20);
}

NodeSeen LabCalls::ask_agent(const LabRecordNode& node) {
  NodeSeen seen{node.name, node.address, false, {}, {}};
  const Result<nlohmann::json> status = get(node.url + "/v1/status", node.token_file);
  if (!status) {
    seen.why = status.error().message;
    return seen;
  }
  seen.up = true;
  if (!status->is_object() || !status->contains("services")) return seen;
  for (const nlohmann::json& service : (*status)["services"]) {
    if (!service.is_object()) continue;
    seen.services.push_back({text(service, "name"), text(service, "state"), text(service, "mark"),
                             number(service, "pid"), number(service, "restarts"),
                             text(service, "why")});
  }
  return seen;
}

bool LabCalls::controller_answers() {
  return get(record_.controller_url + "/healthz", {}).has_value();
}

bool LabCalls::controller_sees_all() {
  const Result<nlohmann::json> answer =
      get(record_.controller_url + "/api/v1/agents", record_.controller_token_file);
  if (!answer || !answer->is_object() || !answer->contains("agents")) return false;
  std::size_t up = 0;
  for (const nlohmann::json& agent : (*answer)["agents"]) {
    if (agent.is_object() && agent.value("up", false)) ++up;
  }
  return up == record_.nodes.size();
}

nlohmann::json to_json(const NodeSeen& node) {
  nlohmann::json services = nlohmann::json::array();
  for (const ServiceSeen& service : node.services) {
    services.push_back({{"name", service.name},
                        {"state", service.state},
                        {"mark", service.mark},
                        {"pid", service.pid},
                        {"restarts", service.restarts},
                        {"why", service.why}});
  }
  return {{"name", node.name},
          {"address", node.address},
          {"up", node.up},
          {"why", node.why},
          {"services", std::move(services)}};
}

}  // namespace panshi::cli
