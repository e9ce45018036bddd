// SPDX-License-Identifier: Apache-2.0
// Api: the controller's HTTP API, docs/reference/controller-api.md.
//
// Reading is served from the loop's snapshot, the journal and the sample store; whatever changes
// something goes to the loop as a Command and waits for its answer, for a bounded time. It decides
// nothing. Handlers run on the threads `http-*`.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "controller/fleet/fleet.h"
#include "controller/journal/feed.h"
#include "controller/journal/journal.h"
#include "controller/loop/loop.h"
#include "controller/signals/signal_store.h"
#include "core/access/audit_log.h"
#include "core/access/token_book.h"
#include "core/io/http_server.h"

namespace panshi::controller {

class Api {
 public:
  struct Parts {
    const Snapshot<Catalog>& catalog;
    const Snapshot<AgentOffers>& said;  // by the agents
    const Clock& clock;
    const AnchoredClock& anchored;
    std::function<std::shared_ptr<const LoopView>()> view;  // Loop::view
    LetterBox& letters;
    JournalReader& journal;
    Feed& feed;
    SignalStore& signals;
    Fleet& fleet;
    TokenBook& tokens;
    AuditLog& audit;
    std::string version;
    bool insecure;  // it listens beyond loopback without TLS
    // The document of a drill's report in a format: md, html or json.
    std::function<Result<HttpResponse>(const std::string& drill, const std::string& format)> report;
    // What a drill day would draw with a seed.
    std::function<Result<nlohmann::json>(const std::string& day, std::uint64_t seed)> draw;
    // Reads the configuration anew: {"changes":[text],"needs_restart":[key]}.
    std::function<Result<nlohmann::json>()> reload;
  };
  explicit Api(Parts parts) : parts_(std::move(parts)) {}

  // REQUIRES: before server.start(); this must outlive the server.
  void add_routes(HttpServer& server);

 private:
  using Request = HttpRequest;
  using Answer = Result<nlohmann::json>;

  void add_reading_routes(HttpServer& server);
  void add_changing_routes(HttpServer& server);
  void add_admin_routes(HttpServer& server);
  // Routes GET `pattern` to a function that answers with JSON.
  void get(HttpServer& server, const char* pattern, Answer (Api::*answer)(const Request&),
           Rights rights = kRead);
  // Routes POST `pattern` to the command `verb`; the route's {…} becomes `capture` of its body.
  struct Verb {
    const char* verb;
    Rights rights = kAllRights;
    const char* capture = nullptr;
    int status = 200;
  };
  void post(HttpServer& server, const char* pattern, Verb verb);
  HttpResponse command(const Verb& verb, const Request& request);

  Answer status(const Request& request);
  Answer events(const Request& request);
  Answer signals(const Request& request);
  Answer samples(const Request& request);
  Answer drills(const Request& request);
  Answer drill(const Request& request);
  Answer agents(const Request& request);
  Answer agent(const Request& request);
  Answer faults(const Request& request);
  Answer incidents(const Request& request);
  Answer incident(const Request& request);
  Answer runs(const Request& request);
  Answer run(const Request& request);
  Answer rules(const Request& request);
  Answer runbooks(const Request& request);
  Answer schedule(const Request& request);
  Answer schedule_draw(const Request& request);
  Answer links(const Request& request);
  Answer fsck(const Request& request);
  Answer clear_leftovers(const Request& request);
  Answer fault_kinds(const Request& request);
  Answer processes(const Request& request);
  Answer catalog(const Request& request);
  Answer tokens(const Request& request);
  Answer make_token(const Request& request);
  Answer revoke_token(const Request& request);
  Answer audit(const Request& request);

  // A part of World::view as it is, or the list of its values.
  nlohmann::json world(const char* key) const;
  nlohmann::json newest_first(const char* key) const;
  Answer one_of(const char* key, const char* noun, const std::string& id) const;
  nlohmann::json of_every_agent(const std::string& path, const char* key, Duration patience);

  const Parts parts_;
  std::atomic<int> long_polls_{0};
};

}  // namespace panshi::controller
