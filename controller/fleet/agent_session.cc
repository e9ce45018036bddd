// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet/agent_session.h"

#include <algorithm>

#include "controller/events/event_data.h"
#include "controller/limits.h"
#include "core/base/text.h"
#include "core/io/secret.h"
#include "core/json/fields.h"

namespace panshi::controller {
namespace {

using std::chrono::milliseconds;

std::int64_t in_ms(Duration duration) { return duration / milliseconds(1); }

struct PollRead {
  AgentEvents batch;
  AgentCursor cursor;
  bool lost = false;
};

// Says which run of the agent it is, and goes with every event and poll.
bool is_start_id(const nlohmann::json& id) {
  return id.is_string() && id.get_ref<const std::string&>().size() <= limits::kStartIdMax;
}

tl::unexpected<Error> unexpected_answer(std::string_view why) {
  return fail(ErrorCode::kInvalid, cat("unexpected answer to a poll: ", why));
}

// An agent may say that something happened as long ago as it likes.
Result<WallTime> time_of(const nlohmann::json& said, WallTime received, WallTime not_before) {
  const auto age = length_of(said, "age_us");
  if (!age) return unexpected_answer("age_us is missing or no number");
  return std::max(received - *age, not_before);
}

// Reads one answer of POST /v1/poll, what the agent's budget is enough for. Unknown keys are a
// newer agent's: let them be.
Status read_poll(const nlohmann::json& answer, WallTime received, WallTime not_before,
                 AgentBudget& budget, PollRead& out) {
  try {
    if (!is_start_id(answer.at("start_id"))) {
      return unexpected_answer("start_id is missing or too long");
    }
    const auto next = integer_of(answer, "next");
    if (!next || *next < 0) return unexpected_answer("next is no number of an event");
    out.cursor.start_id = answer.at("start_id").get<std::string>();
    out.cursor.after = *next;
    out.lost = answer.value("lost", false);
    const nlohmann::json none = nlohmann::json::object();
    for (const auto& event : answer.at("events")) {
      ASSIGN_OR_RETURN(const WallTime at, time_of(event, received, not_before));
      auto kind = event.at("kind").get<std::string>();
      const nlohmann::json& data = event.contains("data") ? event["data"] : none;
      if (!budget.take_event(kind, data)) continue;
      out.batch.events.push_back(
          {.at = at, .kind = std::move(kind), .data = json_without_secrets(data)});
    }
    for (const auto& sample : answer.at("samples")) {
      ASSIGN_OR_RETURN(const WallTime at, time_of(sample, received, not_before));
      auto signal = sample.at("signal").get<std::string>();
      const auto value = sample.at("value").get<double>();
      if (!budget.take_sample(signal)) continue;
      out.batch.samples.push_back({.at = at, .signal = std::move(signal), .value = value});
    }
  } catch (const nlohmann::json::exception& bad) {
    return unexpected_answer(bad.what());
  }
  return {};
}

// "conflict" where the body is {"code","error"}.
std::string code_of(const HttpReply& reply) {
  const auto json = parse_json(reply.body, limits::kAnswerMax);
  if (!json || !json->is_object() || !json->value("code", nlohmann::json()).is_string()) return {};
  return json->at("code").get<std::string>();
}

}  // namespace

std::string words_of(const HttpReply& reply) {
  const auto json = parse_json(reply.body, limits::kAnswerMax);
  if (json && json->is_object() && json->value("error", nlohmann::json()).is_string()) {
    return struck_head(json->at("error").get<std::string>(), limits::kWordsMax);
  }
  return cat("HTTP ", reply.status, ": ", struck_head(reply.body, 200));
}

AgentSession::AgentSession(Options options, AgentCursor from)
    : options_(std::move(options)), cursor_(std::move(from)), met_(!cursor_.start_id.empty()) {
  cursor_.node = options_.node;
}

std::optional<HttpCall> AgentSession::next_call(const Needs& needs, MonoTime now) {
  if (under_way_ || now < call_at_) return std::nullopt;
  if (needs.epoch == 0) {  // the loop has not begun
    call_at_ = now + limits::kRetryFirst;
    return std::nullopt;
  }
  if (phase_ == Phase::kStatus && now < budget_.next_status_at()) {
    call_at_ = budget_.next_status_at();
    return std::nullopt;
  }
  under_way_ = true;
  if (phase_ != Phase::kStatus) return poll_call(needs, now);
  HttpCall call;
  call.url = options_.url + "/v1/status";
  call.connect_timeout = call.timeout = options_.lost_after;
  call.body_max = limits::kPollAnswerMax;
  return call;
}

HttpCall AgentSession::poll_call(const Needs& needs, MonoTime now) const {
  const auto found = needs.nodes->find(options_.node);
  const NodeNeeds none;
  const NodeNeeds& mine = found == needs.nodes->end() ? none : found->second;
  // A loop that is stuck is no controller: its faults end with their leases.
  const bool stuck = now - needs.at > options_.lease;
  const Duration wait = phase_ == Phase::kFollow ? options_.poll : Duration(0);
  HttpCall call;
  call.method = "POST";
  call.url = options_.url + "/v1/poll";
  call.connect_timeout = options_.lost_after;
  call.timeout = wait + options_.lost_after;
  call.body_max = limits::kPollAnswerMax;
  call.body = dump_json({{"epoch", needs.epoch},
                         {"start_id", cursor_.start_id},
                         {"after", cursor_.after},
                         {"wait_ms", in_ms(wait)},
                         {"lease_ms", in_ms(options_.lease)},
                         {"renew", stuck ? std::vector<std::string>() : mine.renew},
                         {"watch", mine.watch}});
  return call;
}

void AgentSession::answered(const Result<HttpReply>& reply, Instant at, const Deliver& deliver) {
  under_way_ = false;
  token_refused_ = reply && reply->status == 401;
  if (!reply) {
    const bool no_token = reply.error().code == ErrorCode::kNotFound;
    return failed(no_token ? Trouble::kNoToken : Trouble::kUnreachable, reply.error().message,
                  at.mono);
  }
  if (reply->status != 200) return refused(*reply, at.mono);
  budget_.fill(at.mono);
  if (phase_ != Phase::kStatus) budget_.take_poll(reply->body.size());
  const auto json = parse_json(reply->body, limits::kAnswerMax);
  if (!json) return failed(Trouble::kOther, not_an_agent(json.error().message), at.mono);
  last_answer_ = at.mono;
  if (phase_ == Phase::kStatus) budget_.take_status(reply->body.size());
  const auto taken = phase_ == Phase::kStatus ? take_status(*json, at.wall, deliver)
                                              : take_poll(*json, at, deliver);
  if (!taken) {
    const bool busy = taken.error().code == ErrorCode::kUnavailable;  // ours, not the agent's
    return failed(busy ? Trouble::kUnreachable : Trouble::kOther,
                  busy ? taken.error().message : not_an_agent(taken.error().message), at.mono);
  }
  trouble_ = told_ = Trouble::kNone;
  pause_ = Duration(0);
  call_at_ = budget_.dropped_any() ? at.mono + limits::kFloodPause : at.mono;
  call_at_ = std::max(call_at_, budget_.next_poll_at());
}

Status AgentSession::take_poll(const nlohmann::json& answer, Instant at, const Deliver& deliver) {
  const AgentBudget before = budget_;
  PollRead read;
  read.batch.node = read.cursor.node = options_.node;
  const auto said_by = answer.is_object() ? answer.find("start_id") : answer.end();
  const bool goes_on = heard_at_ && said_by != answer.end() && *said_by == cursor_.start_id;
  const WallTime not_before = goes_on ? *heard_at_ - limits::kAgeSlack : WallTime::min();
  if (auto done = read_poll(answer, at.wall, not_before, budget_, read); !done) return done;
  AgentEvents& batch = read.batch;
  const bool new_run = read.cursor.start_id != cursor_.start_id;
  if (!met_) {  // from before our first contact: the status says it all, and its backlog is free
    batch.events.clear();
    budget_ = AgentBudget();
  }
  batch.dropped = budget_.untold(at.mono);
  const bool has_events = !batch.events.empty();
  if (has_events || !batch.samples.empty() || batch.dropped.any()) {
    Letter letter{.input = std::move(batch)};
    if (has_events) letter.cursor = read.cursor;
    if (!deliver(std::move(letter))) {
      budget_ = before;  // it will be said again
      return fail(ErrorCode::kUnavailable, "the loop is busy");
    }
  }
  cursor_ = std::move(read.cursor);
  met_ = true;
  heard_at_ = at.wall;
  // What was dropped is lost to us: once it says less, its status makes good what mattered.
  const bool dropped = budget_.dropped_events();
  const bool over = owes_status_ && !dropped;
  owes_status_ = dropped;
  if (phase_ == Phase::kCatchUp || new_run || read.lost || over) phase_ = Phase::kStatus;
  return {};
}

Status AgentSession::take_status(const nlohmann::json& answer, WallTime at,
                                 const Deliver& deliver) {
  const auto start_id = answer.is_object() ? answer.find("start_id") : answer.end();
  if (start_id == answer.end() || !is_start_id(*start_id)) {
    return fail(ErrorCode::kInvalid, "a status whose start_id is missing or too long");
  }
  for (const auto& [key, list] : answer.items()) {
    if (!list.is_array() || list.size() <= limits::kListedMax) continue;
    return fail(ErrorCode::kInvalid, cat("a status with ", list.size(), " ", struck_head(key, 40),
                                         ", ", limits::kListedMax, " at most"));
  }
  const bool same_run = *start_id == cursor_.start_id;
  Letter letter{
      .input = AgentState{.node = options_.node, .status = json_without_secrets(answer), .at = at},
      .cursor = cursor_};
  if (!deliver(std::move(letter))) return fail(ErrorCode::kUnavailable, "the loop is busy");
  up_ = true;
  // Restarted since the poll: what that run has to say comes first, then its status again.
  phase_ = same_run ? Phase::kFollow : Phase::kCatchUp;
  return {};
}

void AgentSession::refused(const HttpReply& reply, MonoTime now) {
  const std::string words = words_of(reply);
  if (reply.status == 401) {
    return failed(Trouble::kToken,
                  cat("it does not accept the token in ", options_.token_file,
                      "; it must be that of the agent's own agent.token (", words, ")"),
                  now);
  }
  if (reply.status == 409 && code_of(reply) == "conflict") {
    return failed(Trouble::kEpoch,
                  cat("it refuses this controller: ", words,
                      "; if this controller lost its state, or shall replace the other one, start "
                      "it once with --take-over"),
                  now);
  }
  failed(Trouble::kOther, not_an_agent(words), now);
}

std::string AgentSession::not_an_agent(const std::string& words) const {
  return cat(options_.url, " does not answer as an agent does; is it the right address? (", words,
             ")");
}

void AgentSession::failed(Trouble trouble, std::string why, MonoTime now) {
  if (trouble != trouble_) trouble_since_ = now;
  trouble_ = trouble;
  why_ = std::move(why);
  pause_ = std::clamp(pause_ * 2, limits::kRetryFirst, limits::kRetryMax);
  call_at_ = std::max(now + pause_, budget_.next_poll_at());
}

void AgentSession::tick(MonoTime now, const Deliver& deliver) {
  if (!has_news(now)) return;
  if (trouble_ == Trouble::kNone) trouble_ = Trouble::kUnreachable;  // a call is still under way
  Letter letter{.input = AgentLost{.node = options_.node, .why = why_}};
  if (!deliver(std::move(letter))) return;
  up_ = false;
  told_ = trouble_;
  phase_ = Phase::kCatchUp;
}

void AgentSession::we_slept(MonoTime from, MonoTime until) {
  // It may have answered just now.
  last_answer_ = std::min(until, last_answer_ + (until - from));
  trouble_since_ = std::min(until, trouble_since_ + (until - from));
}

bool AgentSession::has_news(MonoTime now) const {
  if (up_) return now - last_answer_ >= options_.lost_after;
  return trouble_ != told_ && now - trouble_since_ >= options_.lost_after;
}

std::optional<MonoTime> AgentSession::next_deadline() const {
  std::optional<MonoTime> next;
  if (!under_way_) next = call_at_;
  const auto or_at = [&](MonoTime at) { next = std::min(next.value_or(MonoTime::max()), at); };
  if (up_) or_at(last_answer_ + options_.lost_after);
  if (!up_ && trouble_ != told_) or_at(trouble_since_ + options_.lost_after);
  return next;
}

}  // namespace panshi::controller
