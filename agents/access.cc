// SPDX-License-Identifier: Apache-2.0
#include "agents/access.h"

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/log.h"

namespace panshi::agent {
namespace {

// Of one account at Toxiproxy's API at once: each of its proxies made, and given a toxic or two.
constexpr double kClientsChanges = 10'000;

}  // namespace

Result<AgentAccess> open_access(const AgentConfig& config) {
  ASSIGN_OR_RETURN(const std::string all, load_or_make_token(config.state / "agent.token"));
  ASSIGN_OR_RETURN(const std::string revert, load_or_make_token(config.state / "revert.token"));
  AgentAccess access;
  ASSIGN_OR_RETURN(access.audit, AuditLog::open(config.state));
  access.door = std::make_shared<Access>(
      Access::Options{
          .tokens = {{"agent.token", all, kAllRights}, {"revert.token", revert, kRead | kRevert}},
          .certificates = {{"controller", kAllRights}}},
      nullptr, access.audit);
  access.toxiproxy = std::make_shared<Access>(
      Access::Options{.anybody = {"a client of Toxiproxy's API", ~Rights{0}},
                      .anybody_at = config.toxiproxy
                                        ? std::optional(TcpEnd{config.toxiproxy->address,
                                                               config.toxiproxy->port})
                                        : std::nullopt,
                      .changes_burst = kClientsChanges},
      nullptr, access.audit);
  return access;
}

void log_fault(const std::string& kind, const nlohmann::json& event) {
  if (!kind.starts_with("fault.")) return;
  const auto word = [&](const char* key) {
    const auto found = event.find(key);
    return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::string why = word("error").empty() ? word("reason") : word("error");
  log_info(cat("fault ", word("fault"), word("kind").empty() ? "" : " " + word("kind"), ": ",
               kind.substr(kind.find('.') + 1), why.empty() ? "" : ", " + why));
}

}  // namespace panshi::agent
