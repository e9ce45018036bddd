// SPDX-License-Identifier: Apache-2.0
#include "agents/local_agent.h"

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/http_client.h"
#include "core/io/local_socket.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

constexpr std::size_t kAnswerMax = 16 << 20;

std::string process_of(const AgentConfig& config) {
  const auto pid = read_file(config.state / "agent.lock", 32);
  return pid && !pid->empty() ? cat("process ", trimmed(*pid)) : std::string("which");
}

}  // namespace

Result<nlohmann::json> ask_local_agent(const AgentConfig& config, const std::string& path,
                                       const nlohmann::json& body, Duration timeout) {
  HttpCall call;
  call.url = "http://localhost" + path;
  call.unix_socket = config.state / kAgentSocket;
  call.timeout = timeout;
  call.body_max = kAnswerMax;
  if (!body.is_null()) {
    call.method = "POST";
    call.body = dump_json(body);
  }
  HttpClient client;
  const auto reply = client.send(call);
  if (!reply && reply.error().code == ErrorCode::kTimeout) {
    return fail(ErrorCode::kTimeout,
                cat("the agent that runs here (", process_of(config),
                    ") does not answer. When it is killed (kill -KILL), its guardian reverts what "
                    "it left"));
  }
  if (!reply) return tl::unexpected(reply.error());
  ASSIGN_OR_RETURN(nlohmann::json answer, parse_json(reply->body, kAnswerMax));
  if (reply->status == 200) return answer;
  const bool says = answer.is_object() && answer.contains("error") && answer["error"].is_string();
  return fail(ErrorCode::kRefused,
              cat("the agent that runs here: ",
                  says ? answer["error"].get<std::string>() : cat("HTTP ", reply->status)));
}

}  // namespace panshi::agent
