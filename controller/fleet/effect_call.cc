// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet/effect_call.h"

#include <algorithm>

#include "controller/limits.h"
#include "core/base/text.h"
#include "core/io/secret.h"
#include "core/json/fields.h"

namespace panshi::controller {
namespace {

std::string text_at(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// [{"id","error"}] as "f-1: mount is busy", for people. `otherwise`: of a list that says nothing.
std::string in_words(const nlohmann::json& list, const char* name, const char* why,
                     const char* otherwise = "its agent does not say which, nor why") {
  std::vector<std::string> parts;
  for (const auto& each : list) {
    if (!each.is_object()) continue;
    const std::string what = text_at(each, name);
    const std::string reason = text_at(each, why);
    if (what.empty() && reason.empty()) continue;
    parts.push_back(cat(what.empty() ? "something" : what, ": ",
                        reason.empty() ? "its agent does not say why" : reason));
  }
  return parts.empty() ? otherwise : join(parts, "; ");
}

std::string path_of(const Effect& effect) {
  std::string path = row_of(effect.kind).path;
  const auto at = path.find("{}");
  return at == std::string::npos ? path : path.replace(at, 2, effect.subject);
}

}  // namespace

EffectCall::EffectCall(Effect effect, MonoTime now)
    : effect_(std::move(effect)), deadline_(now + effect_.timeout), call_at_(now) {}

HttpCall EffectCall::next_call(const std::string& url, std::int64_t epoch, MonoTime now) {
  under_way_ = true;
  nlohmann::json body = effect_.body;
  body["epoch"] = epoch;
  HttpCall call;
  call.method = row_of(effect_.kind).method;
  call.url = cat(url, path_of(effect_));
  call.body = dump_json(body);
  call.timeout = std::clamp<Duration>(deadline_ - now, limits::kRetryFirst, limits::kAttemptMax);
  call.connect_timeout = call.timeout;
  call.body_max = limits::kAnswerMax;
  return call;
}

std::optional<EffectDone> EffectCall::answered(const Result<HttpReply>& reply, Instant at) {
  under_way_ = false;
  token_refused_ = reply && reply->status == 401;
  if (!reply) {
    if (reply.error().code == ErrorCode::kInvalid) return done("failed", reply.error().message, at);
    const bool never_sent = reply.error().code == ErrorCode::kUnavailable ||
                            reply.error().code == ErrorCode::kNotFound;  // no token to send it with
    if (!never_sent) maybe_sent_ = true;
    why_ = reply.error().message;
  } else if (reply->status >= 200 && reply->status < 300) {
    maybe_sent_ = true;
    const auto json = parse_json(reply->body, limits::kAnswerMax);
    const bool understandable = json && json->is_object();
    if (understandable && text_at(*json, "state") != "applying") {
      return understood(json_without_secrets(*json), at);
    }
    why_ =
        understandable ? "the agent is still applying it" : "the agent's answer is no JSON object";
  } else if (reply->status == 401 || reply->status == 503) {  // its token is new, or it is busy
    why_ = words_of(*reply);
  } else if (reply->status >= 500) {
    maybe_sent_ = true;
    why_ = words_of(*reply);
  } else {
    EffectDone refused = done("failed", words_of(*reply), at);
    // What stands in the way may go: whoever asked may try again, and nothing was done.
    if (const auto said = parse_json(reply->body, limits::kAnswerMax); said && said->is_object())
      refused.not_now = text_at(*said, "code") == "conflict";
    return refused;
  }
  pause_ = std::clamp(pause_ * 2, limits::kRetryFirst, limits::kRetryMax);
  call_at_ = at.mono + pause_;
  return give_up(at);
}

std::optional<EffectDone> EffectCall::give_up(Instant at) const {
  if (under_way_ || (!withdrawn_ && std::max(call_at_, at.mono) < deadline_)) return std::nullopt;
  const std::string why = withdrawn_ ? cat("taken back; ", why_) : why_;
  return done(maybe_sent_ ? "unknown" : "failed", why, at);
}

EffectDone EffectCall::done(std::string outcome, std::string detail, Instant at) const {
  EffectDone result;
  result.effect = effect_.id;
  result.outcome = std::move(outcome);
  result.detail = std::move(detail);
  result.at = at.wall;
  return result;
}

EffectDone EffectCall::understood(const nlohmann::json& answer, Instant at) const {
  const std::string state = text_at(answer, "state");
  EffectDone result = done("ok", "", at);
  result.result = answer;
  if (effect_.kind == EffectKind::kRevertAll) {
    if (const auto failures = answer.find("failed");
        failures != answer.end() && !failures->empty()) {
      result.outcome = "failed";
      result.detail =
          cat(failures->size(), " could not be reverted: ", in_words(*failures, "id", "error"));
    }
  } else if (effect_.kind == EffectKind::kClear && state != "cleared") {
    result.outcome = "failed";
    result.detail =
        cat("left over: ", in_words(answer.value("left", nlohmann::json::array()), "what", "why",
                                    "its agent did not clear it, and does not say what is left"));
  } else if (state == "failed") {
    result.outcome = "failed";
    result.detail = text_at(answer, "error");
  } else if (effect_.kind == EffectKind::kInject && state == "reverted") {
    result.outcome = "failed";
    result.detail = "the fault was reverted already";
  } else if (effect_.kind == EffectKind::kRevert && state != "reverted") {
    result.outcome = "failed";
    const std::string why = text_at(answer, "error");
    result.detail = cat("the fault is still ", state, why.empty() ? "" : ": " + why);
  }
  return result;
}

}  // namespace panshi::controller
