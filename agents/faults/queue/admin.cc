// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/queue/admin.h"

#include "agents/faults/means.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

// A server of NATS lets an account in or not; what it may do there it does not say.
Result<std::unique_ptr<Account>> ask(Host& host, const std::string& service) {
  ASSIGN_OR_RETURN([[maybe_unused]] const auto session, host.open_nats(service));
  return nullptr;
}

}  // namespace

const AccountGroup kNatsAccounts = {.entry = "nats",
                                    .kinds = &queue_means,
                                    .services = [](Host& host) { return host.nats_services(); },
                                    .ask = &ask};

Result<std::unique_ptr<NatsSession>> open_nats(Host& host, const std::string& service) {
  auto session = host.open_nats(service);
  if (!session && session.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kInvalid, session.error().message);
  }
  return session;
}

Status check_name(const std::string& parameter, const std::string& name) {
  if (!name.empty() && name.find_first_of(".*> \t\r\n/\\") == name.npos) return {};
  return fail(ErrorCode::kInvalid,
              cat("params.", parameter, " is not a name of JetStream: `", name, "`"));
}

bool subject_matches(const std::string& pattern, const std::string& subject) {
  const auto wanted = split(pattern, '.');
  const auto tokens = split(subject, '.');
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (i >= tokens.size()) return false;
    if (wanted[i] == ">") return true;
    if (wanted[i] != "*" && wanted[i] != tokens[i]) return false;
  }
  return wanted.size() == tokens.size();
}

std::string why_no_nats(Host& host) {
  return !host.nats_services().empty() ? "" : "no service of this node has an entry `nats`";
}

}  // namespace panshi::agent
