// SPDX-License-Identifier: Apache-2.0
// Fleet: talks to all agents at once; one session each, and the effects under way.
//
// Everything that comes back goes to the loop as a Letter: events and samples, states, losses, and
// exactly one EffectDone for each effect. It decides nothing. All state belongs to the thread
// `fleet`; carry_out(), ask() and stop() may be called from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/fleet/agent_clock.h"
#include "controller/fleet/agent_session.h"
#include "controller/fleet/effect_call.h"

namespace panshi::controller {

// Without the newline at its end. kNotFound: no such file, not readable, or empty.
Result<std::string> read_agent_token(const std::string& file);

// Makes `call` one to the agent of that node: over TLS it is proven to be that node's, and is shown
// our certificate; else it is sent the token of its file, which `token` keeps if it is not empty.
Status address_to_agent(HttpCall& call, const std::string& node, const std::string& token_file,
                        const std::shared_ptr<const TlsFiles>& tls, std::string& token);

class Fleet {
 public:
  struct Agent {
    std::string node;
    std::string url;
    std::string token_file;  // may appear later: agents make it at their first start
    bool operator==(const Agent&) const = default;
  };
  struct Options {
    std::vector<Agent> agents;
    std::map<std::string, AgentCursor> cursors;
    std::string controller;               // who we are
    std::string start;                    // made anew for this run
    std::string listens_at;               // "10.0.0.9:17700"
    bool takes_over = false;              // agents that another controller commands are to be ours
    std::shared_ptr<const Tls> tls = {};  // who we are, for agents at https://
    Duration lease;
    Duration poll;
    Duration lost_after;
  };
  struct Parts {
    const Clock& clock;
    const AnchoredClock& anchored;
    const NeedsBoard& needs;
    Deliver deliver;  // to the loop; must not block
  };
  Fleet(Options options, Parts parts);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  void carry_out(Effect effect);
  // GET from one agent, for what the API passes through. Blocks up to `timeout`; kUnavailable when
  // limits::kAsksMax others do.
  Result<nlohmann::json> ask(const std::string& node, const std::string& path, Duration timeout);
  // The same of each of them, all at once: the slowest decides how long it takes.
  std::map<std::string, Result<nlohmann::json>> ask_all(const std::vector<std::string>& nodes,
                                                        const std::string& path, Duration timeout);
  // POST with the epoch alone, likewise: for what is done once and not by a plan.
  Result<nlohmann::json> tell(const std::string& node, const std::string& path, Duration timeout);
  // Nodes whose agents answer at present. Blocks shortly.
  std::vector<std::string> nodes_up();
  // Other nodes from here on. The session of one that stays as it is goes on.
  void set_agents(std::vector<Agent> agents);
  void stop();

 private:
  using Answer = std::shared_ptr<Reply>;
  Answer start_call(const std::string& node, const std::string& path, bool is_post,
                    Duration timeout);
  static Result<nlohmann::json> await(const Answer& answer, const std::string& node,
                                      Duration timeout);
  using Job = std::function<void()>;  // run on the thread `fleet`
  struct Member {
    Agent agent;
    AgentSession session;
    AgentClock clock = {};
    std::string token = {};
    bool gone = false;  // what still comes from it is of no interest
  };

  std::unique_ptr<Member> make_member(const Agent& agent, AgentCursor cursor) const;
  void replace_members(const std::vector<Agent>& agents);
  bool post(Job job);  // from another thread
  MonoTime turn();
  MonoTime next_wake() const;
  Instant now() const { return {parts_.clock.mono(), parts_.anchored.now()}; }
  void serve(Member& member, const Needs& needs);
  void serve(EffectCall& call);
  void begin(Effect effect);
  void withdraw_injections(const Effect& effect);
  void finish(EffectDone done);
  void deliver_outcomes();
  // Adds the token; `then` gets the answer and its arrival, on the thread `fleet`.
  void send(Member& member, HttpCall call,
            std::function<void(const Result<HttpReply>&, Instant)> then);

  const Options options_;
  const Parts parts_;
  Mailbox<Job> jobs_;
  std::map<std::string, std::unique_ptr<Member>> members_;  // by node
  std::vector<std::unique_ptr<Member>> gone_;  // calls under way may still refer to them
  std::map<std::string, std::unique_ptr<EffectCall>> effects_;  // by id
  std::deque<EffectDone> outcomes_;                             // not delivered yet
  std::atomic<int> asking_ = 0;                                 // API threads that wait for agents
  bool has_begun_ = false;                                      // set by the first job
  MonoTime wake_ = MonoTime::max();                             // when the next turn is due
  std::unique_ptr<HttpFleet> http_;  // its thread is ours, and the first to go
};

}  // namespace panshi::controller
