// SPDX-License-Identifier: Apache-2.0
// What the agents of a lab say of themselves, asked directly: the lab must be startable and
// stoppable with no controller.
#pragma once

#include <string>
#include <vector>

#include "cli/lab/lab_record.h"
#include "core/io/http_client.h"

namespace panshi::cli {

struct ServiceSeen {
  std::string name;
  std::string state;  // stopped | preparing | starting | ready | backoff | stopping | gave_up
  std::string mark;
  std::int64_t pid = 0;
  std::int64_t restarts = 0;
  std::string why;  // it does not run
};

struct NodeSeen {
  std::string name;
  std::string address;
  bool up = false;  // the agent answers
  std::string why;  // when it does not
  std::vector<ServiceSeen> services;

  bool all_ready() const;
};

class LabCalls {  // one thread at a time
 public:
  explicit LabCalls(const LabRecord& record);
  NodeSeen ask_agent(const LabRecordNode& node);
  // 200 on /healthz.
  bool controller_answers();
  // The controller has heard from every agent.
  bool controller_sees_all();

 private:
  Result<nlohmann::json> get(const std::string& url, const std::string& token_file);

  const LabRecord& record_;
  const std::shared_ptr<const TlsFiles> tls_;
  HttpClient client_;
};

nlohmann::json to_json(const NodeSeen& node);

}  // namespace panshi::cli
