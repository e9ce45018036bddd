// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/redis/commands.h"

#include <algorithm>
#include <cctype>

#include "agents/faults/means.h"
#include "agents/faults/redis/admin.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr int kArgumentsMax = 3;  // that a command asked about wants at least: RESTORE
constexpr std::string_view kChannel = "channel ";

// "PUBLISH" of "PUBLISH to channel panshi": what is in capitals.
std::vector<std::string> command_of(const std::string& wanted) {
  std::vector<std::string> command = words_of(wanted);
  std::erase_if(command, [](const std::string& word) {
    return std::any_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  });
  return command;
}

// The server looks at the number of arguments first, so there are more of them until it says
// something else. None is a key or pattern that is meant; PUBLISH takes it for the channel, which
// is.
Result<std::string> dry_run(RedisSession& session, const std::string& account,
                            const std::vector<std::string>& command) {
  std::vector<std::string> asked = {"ACL", "DRYRUN", account};
  asked.insert(asked.end(), command.begin(), command.end());
  Result<RedisReply> reply = session.run(asked);
  for (int i = 0; i < kArgumentsMax; ++i) {
    if (reply || reply.error().message.find("wrong number of arguments") == std::string::npos)
      break;
    asked.emplace_back(kProbeChannel);
    reply = session.run(asked);
  }
  if (!reply) return tl::unexpected(reply.error());
  return reply->text;
}

class RedisAccount final : public Account {
 public:
  RedisAccount(std::string name, std::unique_ptr<RedisSession> session)
      : name_(std::move(name)), session_(std::move(session)) {}

  std::string name() const override { return name_; }
  std::vector<std::string> lacks(std::string_view needs) override {
    return missing_commands(*session_, name_, commands_in(needs));
  }
  std::string remedy(const std::vector<std::string>& lacks) const override {
    std::string line = cat("ACL SETUSER ", name_);
    for (const std::string& missing : lacks) line += cat(" ", acl_rule(missing));
    return line;
  }

 private:
  const std::string name_;
  const std::unique_ptr<RedisSession> session_;
};

Result<std::unique_ptr<Account>> ask(Host& host, const std::string& service) {
  ASSIGN_OR_RETURN(auto session, host.open_redis(service));
  const auto who = session->run({"ACL", "WHOAMI"});
  // A refusal other than that of a password that is missing is that of the question.
  const bool not_in = !who && who.error().message.starts_with("NOAUTH");
  if (not_in) return fail(who.error(), cat("admin connection to ", service));
  if (!who && who.error().code != ErrorCode::kRefused) return tl::unexpected(who.error());
  if (!who || who->text.empty()) return nullptr;
  return std::make_unique<RedisAccount>(who->text, std::move(session));
}

}  // namespace

const AccountGroup kRedisAccounts = {.entry = "redis",
                                     .kinds = &redis_means,
                                     .services = [](Host& host) { return host.redis_services(); },
                                     .ask = &ask};

std::vector<std::string> commands_in(std::string_view needs) {
  return listed_in(needs, "may run ");
}

std::vector<std::string> missing_commands(RedisSession& session, const std::string& account,
                                          const std::vector<std::string>& wanted) {
  std::vector<std::string> missing;
  for (const std::string& each : wanted) {
    const std::vector<std::string> command = command_of(each);
    const auto says = dry_run(session, account, command);
    if (!says) continue;
    const bool of_channel = each.find(kChannel) != std::string::npos;
    if (says->find("no permissions to run ") != std::string::npos) {
      missing.push_back(join(command, " "));
    } else if (of_channel && says->ends_with(" channel")) {
      missing.push_back(each.substr(each.find(kChannel)));
    }
  }
  return missing;
}

std::string acl_rule(const std::string& missing) {
  if (missing.starts_with(kChannel)) return cat("&", missing.substr(kChannel.size()));
  std::string rule = "+";
  for (const char c : missing) {
    rule += c == ' ' ? '|' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return rule;
}

}  // namespace panshi::agent
