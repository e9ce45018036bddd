// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet/fleet.h"

#include <algorithm>
#include <cctype>

#include "controller/limits.h"
#include "core/base/seat.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "core/model/headers.h"

namespace panshi::controller {
namespace {

constexpr std::size_t kJobsMax = 50'000;

}  // namespace

Result<std::string> read_agent_token(const std::string& file) {
  auto token = read_token(file);
  if (token) return token;
  return fail(ErrorCode::kNotFound, cat("its token cannot be read: ", token.error().message));
}

Status address_to_agent(HttpCall& call, const std::string& node, const std::string& token_file,
                        const std::shared_ptr<const TlsFiles>& tls, std::string& token) {
  if (call.url.starts_with("https://")) {
    call.tls = tls;
    call.server_name = node;
    call.peer = cat("node/", node);
    call.life_max = limits::kProvenLifeMax;
    return {};
  }
  if (token.empty()) {
    ASSIGN_OR_RETURN(token, read_agent_token(token_file));
  }
  call.token = token;
  call.token_owner = owner_of(token_file);
  return {};
}

Fleet::Fleet(Options options, Parts parts)
    : options_(std::move(options)), parts_(std::move(parts)), jobs_(kJobsMax) {
  for (const Agent& agent : options_.agents) {
    const auto cursor = options_.cursors.find(agent.node);
    members_.emplace(
        agent.node,
        make_member(agent, cursor == options_.cursors.end() ? AgentCursor{} : cursor->second));
  }
  http_ = std::make_unique<HttpFleet>(
      HttpFleet::Options{.in_flight_max = 4 * members_.size() + limits::kEffectsMax,
                         .connections_max = 4 * members_.size() + 256,
                         .turn = [this] { return turn(); }});
  (void)post([this] { has_begun_ = true; });
}

Fleet::~Fleet() { stop(); }

std::unique_ptr<Fleet::Member> Fleet::make_member(const Agent& agent, AgentCursor cursor) const {
  AgentSession session({.node = agent.node,
                        .url = agent.url,
                        .token_file = agent.token_file,
                        .lease = options_.lease,
                        .poll = options_.poll,
                        .lost_after = options_.lost_after},
                       std::move(cursor));
  return std::make_unique<Member>(Member{.agent = agent, .session = std::move(session)});
}

void Fleet::set_agents(std::vector<Agent> agents) {
  (void)post([this, agents = std::move(agents)] { replace_members(agents); });
}

void Fleet::replace_members(const std::vector<Agent>& agents) {
  std::map<std::string, std::unique_ptr<Member>> next;
  for (const Agent& agent : agents) {
    const auto known = members_.find(agent.node);
    const bool stays = known != members_.end() && known->second->agent == agent;
    next.emplace(agent.node, stays ? std::move(known->second) : make_member(agent, {}));
  }
  for (auto& [node, member] : members_) {
    if (!member) continue;
    member->gone = true;
    gone_.push_back(std::move(member));
  }
  members_ = std::move(next);
}

void Fleet::stop() {
  jobs_.close();
  http_->stop();
}

bool Fleet::post(Job job) {
  if (!jobs_.put(std::move(job))) return false;
  http_->ring();
  return true;
}

MonoTime Fleet::turn() {
  std::vector<Job> jobs = jobs_.take_now();
  for (Job& job : jobs) job();
  if (!has_begun_ || jobs_.closed()) return MonoTime::max();
  // Who was asleep (a frozen process, a paused machine) accuses nobody of silence.
  const MonoTime woken = parts_.clock.mono();
  if (woken - wake_ > limits::kLoopIdleMax) {
    for (auto& [node, member] : members_) member->session.we_slept(wake_, woken);
  }
  const auto needs = parts_.needs.read();
  for (auto& [node, member] : members_) serve(*member, *needs);
  for (auto& [id, call] : effects_) serve(*call);
  std::erase_if(effects_, [this](const auto& entry) {
    auto done = entry.second->give_up(now());
    if (done) finish(*std::move(done));
    return done.has_value();
  });
  deliver_outcomes();
  wake_ = jobs_.empty() ? next_wake() : parts_.clock.mono();
  return wake_;
}

MonoTime Fleet::next_wake() const {
  MonoTime next = parts_.clock.mono() + limits::kLoopIdleMax;
  for (const auto& [node, member] : members_) {
    next = std::min(next, member->session.next_deadline().value_or(next));
  }
  for (const auto& [id, call] : effects_) {
    if (!call->under_way()) next = std::min(next, call->call_at());
  }
  if (!outcomes_.empty()) next = std::min(next, parts_.clock.mono() + limits::kRetryFirst);
  return next;
}

void Fleet::serve(Member& member, const Needs& needs) {
  member.session.tick(parts_.clock.mono(), parts_.deliver);
  auto call = member.session.next_call(needs, parts_.clock.mono());
  if (!call) return;
  send(member, *std::move(call), [this, &member](const Result<HttpReply>& reply, Instant at) {
    if (member.gone) return;
    member.session.answered(reply, at, parts_.deliver);
    if (member.session.token_refused()) member.token.clear();
  });
}

void Fleet::serve(EffectCall& call) {
  if (call.under_way() || parts_.clock.mono() < call.call_at()) return;
  if (call.give_up(now())) return;
  const auto of_node = members_.find(call.effect().node);
  if (of_node == members_.end()) return call.withdraw();  // the node is gone since then
  Member& member = *of_node->second;
  const auto epoch = parts_.needs.read()->epoch;
  send(member, call.next_call(member.agent.url, epoch, parts_.clock.mono()),
       [this, &member, id = call.effect().id](const Result<HttpReply>& reply, Instant at) {
         const auto found = effects_.find(id);
         if (found == effects_.end()) return;
         auto done = found->second->answered(reply, at);
         if (found->second->token_refused()) member.token.clear();
         if (!done) return;
         finish(*std::move(done));
         effects_.erase(found);
       });
}

void Fleet::carry_out(Effect effect) {
  // The mailbox of jobs is bounded far above the effects: this can only fail while stopping.
  (void)post([this, effect = std::move(effect)] { begin(effect); });
}

void Fleet::begin(Effect effect) {
  const auto refuse = [&](std::string why) {
    EffectDone done;
    done.effect = effect.id;
    done.outcome = "failed";
    done.detail = std::move(why);
    done.at = parts_.anchored.now();
    finish(std::move(done));
  };
  if (!members_.contains(effect.node)) return refuse(cat("there is no node `", effect.node, "`"));
  if (effects_.contains(effect.id)) return;  // said twice: one outcome
  if (effects_.size() >= limits::kEffectsMax) return refuse("too many effects under way");
  if (row_of(effect.kind).reverts) withdraw_injections(effect);
  auto call = std::make_unique<EffectCall>(std::move(effect), parts_.clock.mono());
  effects_.emplace(call->effect().id, std::move(call));
}

// An injection that still tries to get through must not arrive after its own revert.
void Fleet::withdraw_injections(const Effect& effect) {
  for (auto& [id, call] : effects_) {
    const Effect& other = call->effect();
    if (other.kind != EffectKind::kInject || other.node != effect.node) continue;
    if (effect.kind == EffectKind::kRevertAll || other.subject == effect.subject) call->withdraw();
  }
}

void Fleet::finish(EffectDone done) { outcomes_.push_back(std::move(done)); }

void Fleet::deliver_outcomes() {
  while (!outcomes_.empty() && parts_.deliver({.input = outcomes_.front()})) outcomes_.pop_front();
}

void Fleet::send(Member& member, HttpCall call,
                 std::function<void(const Result<HttpReply>&, Instant)> then) {
  const Agent& agent = member.agent;
  std::shared_ptr<const TlsFiles> files;
  if (const auto& tls = options_.tls) {
    files = {tls, &tls->files()};
    call.opened_since = tls->changed();
  }
  if (auto ready = address_to_agent(call, agent.node, agent.token_file, files, member.token);
      !ready) {
    (void)jobs_.put([this, then = std::move(then), why = ready.error()] {
      then(tl::unexpected<Error>(why), now());
    });
    return;
  }
  if (!options_.controller.empty()) call.headers[kControllerHeader] = options_.controller;
  if (!options_.start.empty()) call.headers[kControllerStartHeader] = options_.start;
  if (!options_.listens_at.empty()) call.headers[kControllerAtHeader] = options_.listens_at;
  if (options_.takes_over) call.headers[kTakeOverHeader] = "1";
  call.keep_header = kSentHeader;
  http_->start(std::move(call), [this, &member, then = std::move(then)](Result<HttpReply> reply) {
    if (jobs_.closed()) return;
    Instant sent = now();  // on arrival: the ages of events count from here
    if (reply) sent.wall -= member.clock.late_by(reply->header, sent.mono);
    then(reply, sent);
  });
}

namespace {

// Readings may not take the threads from who halts and reverts.
tl::unexpected<Error> too_many_asks() {
  return fail(ErrorCode::kUnavailable, "too many questions to agents at once; try again");
}

}  // namespace

Result<nlohmann::json> Fleet::ask(const std::string& node, const std::string& path,
                                  Duration timeout) {
  const Seat seat(asking_, limits::kAsksMax);
  if (!seat.is_there()) return too_many_asks();
  return await(start_call(node, path, false, timeout), node, timeout);
}

std::map<std::string, Result<nlohmann::json>> Fleet::ask_all(const std::vector<std::string>& nodes,
                                                             const std::string& path,
                                                             Duration timeout) {
  const Seat seat(asking_, limits::kAsksMax);
  std::map<std::string, Result<nlohmann::json>> answers;
  if (!seat.is_there()) {
    for (const std::string& node : nodes) answers.emplace(node, too_many_asks());
    return answers;
  }
  std::map<std::string, Answer> under_way;
  for (const std::string& node : nodes) {
    under_way.emplace(node, start_call(node, path, false, timeout));
  }
  for (const auto& [node, answer] : under_way) answers.emplace(node, await(answer, node, timeout));
  return answers;
}

Result<nlohmann::json> Fleet::tell(const std::string& node, const std::string& path,
                                   Duration timeout) {
  return await(start_call(node, path, true, timeout), node, timeout);
}

namespace {

// What an agent that answers says no with is passed on.
ErrorCode code_of_status(int status) {
  if (status == 409) return ErrorCode::kConflict;
  return status == 400 || status == 404 ? ErrorCode::kInvalid : ErrorCode::kUnavailable;
}

}  // namespace

Fleet::Answer Fleet::start_call(const std::string& node, const std::string& path, bool is_post,
                                Duration timeout) {
  auto reply = std::make_shared<Reply>();
  const bool queued = post([this, node, path, is_post, timeout, reply] {
    (void)reply->take();
    const auto found = members_.find(node);
    if (found == members_.end()) {
      return reply->answer(fail(ErrorCode::kNotFound, cat("there is no node `", node, "`")));
    }
    HttpCall call;
    call.url = found->second->agent.url + path;
    if (is_post) {
      call.method = "POST";
      call.body = dump_json({{"epoch", parts_.needs.read()->epoch}});
    }
    call.timeout = timeout;
    call.body_max = limits::kAnswerMax;
    send(*found->second, std::move(call), [reply](const Result<HttpReply>& got, Instant) {
      if (!got && got.error().code == ErrorCode::kNotFound) {  // not the node: its token
        return reply->answer(fail(ErrorCode::kUnavailable, got.error().message));
      }
      if (!got) return reply->answer(tl::unexpected(got.error()));
      if (got->status == 200) return reply->answer(parse_json(got->body, limits::kAnswerMax));
      reply->answer(fail(code_of_status(got->status), words_of(*got)));
    });
  });
  if (!queued) reply->answer(fail(ErrorCode::kUnavailable, "the controller is stopping"));
  return reply;
}

Result<nlohmann::json> Fleet::await(const Answer& reply, const std::string& node,
                                    Duration timeout) {
  auto answer = reply->wait(timeout);
  if (!answer && answer.error().code != ErrorCode::kNotFound) {
    return fail(answer.error(), cat("agent ", node));
  }
  return answer;
}

std::vector<std::string> Fleet::nodes_up() {
  auto reply = std::make_shared<Reply>();
  (void)post([this, reply] {
    std::vector<std::string> up;
    for (const auto& [node, member] : members_) {
      if (member->session.up()) up.push_back(node);
    }
    reply->answer(nlohmann::json(up));
  });
  const auto answer = reply->wait(std::chrono::seconds(1));
  return answer ? answer->get<std::vector<std::string>>() : std::vector<std::string>();
}

}  // namespace panshi::controller
