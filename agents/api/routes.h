// SPDX-License-Identifier: Apache-2.0
// The agent's HTTP API: docs/reference/agent-api.md, one handler a row.
//
// Handlers check bodies and epochs and hand on; they run on the threads `http-*` and may wait.
#pragma once

#include <atomic>
#include <functional>
#include <nlohmann/json.hpp>

#include "agents/config/config.h"
#include "core/access/audit_log.h"
#include "core/base/result.h"
#include "core/io/http_server.h"

namespace panshi::agent {

class ActionDesk;
class EpochGate;
class EventFeed;
class FaultBook;
class Host;
class LinkTable;

struct ApiParts {  // all must outlive the server
  const AgentConfig& config;
  EventFeed& feed;
  EpochGate& epoch;
  FaultBook& faults;
  Host& host;
  LinkTable& links;
  ActionDesk& actions;
  const AuditLog& audit;
  const std::atomic<bool>& stopping;                 // verbs are then refused with 503
  std::function<Result<nlohmann::json>()> services;  // array of `service`
  std::function<Result<nlohmann::json>()> probes;    // array of `probe`
};

void add_routes(HttpServer& server, const ApiParts& parts);

}  // namespace panshi::agent
