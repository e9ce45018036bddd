// SPDX-License-Identifier: Apache-2.0
#include "agents/local_agent.h"

#include <thread>

#include "agents/other_reverter.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/http_client.h"
#include "core/io/local_socket.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

constexpr std::size_t kAnswerMax = 16 << 20;
constexpr Duration kPause = std::chrono::milliseconds(50);

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
  // One that is frozen is replaced by its guardian, and one that begins listens soon: all that is
  // asked here may be asked again.
  const MonoTime until = mono_now() + timeout;
  HttpClient client;
  pid_t holder = LockFile::holder(config.state / "agent.lock");
  Result<HttpReply> reply = client.send(call);
  while (!reply && mono_now() + kPause < until) {
    if (const auto other = other_reverter(config)) {
      return fail(ErrorCode::kUnavailable, cat("no agent runs here: ", other->text()));
    }
    if (!LockFile::is_held(config.state / "agent.lock") && !guardian_lives(config)) {
      return fail(ErrorCode::kUnavailable, "no agent runs here any more");
    }
    std::this_thread::sleep_for(kPause);
    holder = LockFile::holder(config.state / "agent.lock");
    call.timeout = until - mono_now();
    reply = client.send(call);
  }
  if (!reply && reply.error().code == ErrorCode::kTimeout) {
    return fail(ErrorCode::kTimeout,
                cat("the agent that runs here (process ", holder,
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
