// SPDX-License-Identifier: Apache-2.0
#include "core/access/access.h"

#include <algorithm>

#include "core/base/struck.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/log.h"
#include "core/json/fields.h"

namespace panshi {
namespace {

constexpr std::string_view kBearer = "bearer ";
// Of changes by one caller: a person or a program never needs more, and a log that is turned over
// in minutes is none. Ends of faults are not kept waiting.
constexpr double kChangesPerSecond = 5;
constexpr std::size_t kCallersMax = 1'000;
constexpr std::size_t kBodyMax = 1 << 20;

// Cut: what a stranger sends must not push the lines of others out of the log.
std::string what_of(const HttpRequest& request) {
  constexpr std::size_t kPathMax = 200;
  const bool cut = request.path.size() > kPathMax;
  return printable(cat(without_secrets(request.method), " ", struck_head(request.path, kPathMax),
                       cut ? "… (cut)" : ""));
}

}  // namespace

Rights Access::of_certificate(const std::string& peer) const {
  const std::lock_guard lock(mutex_);
  const auto& known = certificates_;
  const auto named = known.find(peer);
  if (named != known.end()) return named->second;
  const auto role = known.find(peer.substr(0, peer.find('/')));
  return role == known.end() ? 0 : role->second;
}

void Access::let_in(std::map<std::string, Rights> certificates) {
  const std::lock_guard lock(mutex_);
  certificates_ = std::move(certificates);
}

HttpCaller Access::identify(const HttpRequest& head, bool one_credential) const {
  if (head.uid) return {cat("uid ", *head.uid), kAllRights};
  HttpCaller caller = options_.anybody;
  if (options_.anybody_at) {
    const auto user = user_of_peer({head.remote_address, head.remote_port}, *options_.anybody_at);
    caller.who += user ? cat(", account ", *user) : std::string(", of no process here");
  }
  if (!head.peer.empty()) {
    caller.who = head.peer;  // also of whom nobody gave a right: the log says who came
    caller.rights |= of_certificate(head.peer);
  }
  const std::string header = head.header("authorization");
  // The scheme's case is anybody's (RFC 9110, 11.1).
  if (!one_credential || !lower(header.substr(0, kBearer.size())).starts_with(kBearer)) {
    return caller;
  }
  const std::string_view text = std::string_view(header).substr(kBearer.size());
  // Every one of them, that a wrong token takes as long as a right one.
  for (const FileToken& token : options_.tokens) {
    if (equal_in_constant_time(text, token.text)) caller = {token.name, token.rights};
  }
  const auto kept = book_ ? book_->find(text, wall_now()) : std::nullopt;
  if (kept) caller = {cat("token ", kept->name), kept->rights(), !kept->only.empty()};
  return caller;
}

std::string Access::lacks(const HttpCaller& caller, Rights rights) const {
  const std::string wanted = join(names_of(rights & ~caller.rights), ", ");
  if (caller.limited) {
    return cat(caller.who, " may not: it wants the right `", wanted,
               "`, and this token is limited to ", join(names_of(caller.rights), ", "));
  }
  return cat(caller.who, " may not: it wants the right `", wanted,
             "`, which these roles have: ", roles_with(rights));
}

void Access::on_refused(const HttpRequest& head, const HttpResponse& answer) {
  const auto json = parse_json(answer.body);
  const bool says =
      json && json->is_object() && json->contains("error") && (*json)["error"].is_string();
  const std::string why = says ? (*json)["error"].get<std::string>() : cat("HTTP ", answer.status);
  // Of what was malformed nobody asked yet whose it is.
  const std::string caller = head.caller.who.empty() ? head.peer : head.caller.who;
  const std::string who = caller.empty() ? "nobody we know" : caller;
  bool noted = true;
  if (audit_) {
    const auto written = audit_->write(
        {.who = caller, .from = head.remote_address, .what = what_of(head), .refused = why},
        wall_now());
    if (!written) log_error(written.error().message);
    noted = written.value_or(true);
  }
  if (noted) {
    log_warn(cat("refused: ", what_of(head), " from ", head.remote_address, " (", who, "): ", why));
  }
}

Status Access::on_change(const HttpRequest& request, Rights rights) {
  if (!audit_) return {};
  const bool ends_faults = (rights & ~(kHalt | kRevert)) == 0;
  const bool often = !may_change(request.caller.who);
  if (often && !ends_faults) {
    return fail(ErrorCode::kUnavailable,
                cat(request.caller.who, " changes too much at once: ", kChangesPerSecond,
                    " changes a second are taken; try again"));
  }
  const auto body = parse_json(request.body, kBodyMax);
  const auto written = audit_->write({.who = request.caller.who,
                                      .from = request.remote_address,
                                      .what = what_of(request),
                                      .body = body ? *body : nlohmann::json(),
                                      .often = often},
                                     wall_now());
  if (written) return {};
  log_error(written.error().message);
  // What ends a fault is never kept from being done.
  if (ends_faults) return {};
  return tl::unexpected(written.error());
}

// A controller speaks for many, and is at agents alone; whoever is at the socket is root or its
// user.
bool Access::may_change(const std::string& who) {
  if (who.starts_with("controller/") || who.starts_with("uid ") || who == "agent.token")
    return true;
  const std::lock_guard lock(mutex_);
  if (changes_.size() > kCallersMax) changes_.clear();
  TokenBucket& changes =
      changes_.try_emplace(who, options_.changes_burst, kChangesPerSecond).first->second;
  changes.fill(mono_now());
  if (!changes.has(1)) return false;
  changes.take(1);
  return true;
}

nlohmann::json routes_json(const HttpServer& server) {
  nlohmann::json routes = nlohmann::json::array();
  for (const auto& [method, pattern, needs] : server.needs()) {
    routes.push_back({{"method", method},
                      {"path", pattern},
                      {"rights", names_of(needs.rights & kAllRights)},
                      {"noted", needs.noted && method != "GET"}});
  }
  return {{"routes", std::move(routes)}};
}

}  // namespace panshi
