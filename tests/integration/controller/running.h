// SPDX-License-Identifier: Apache-2.0
// Running: a controller in the test's process, whose brain relays what comes to it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "controller/app.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/http_client.h"
#include "tests/support/controller/fake_agent.h"
#include "tests/support/controller/fake_brain.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"

namespace panshi::controller {

using namespace std::chrono_literals;

// Commands `inject` a fault on keys-1, within `timeout_ms` of the body; outcomes and agents' events
// are journaled as they come.
inline Stepped relay(const Input& input, WallTime now) {
  Stepped stepped;
  if (const auto* command = std::get_if<Command>(&input)) {
    Effect effect;
    effect.id = "e-1";
    effect.kind = EffectKind::kInject;
    effect.node = "keys-1";
    effect.subject = "f-1";
    effect.body = {{"kind", "process.pause"}};
    effect.timeout = std::chrono::milliseconds(command->body.value("timeout_ms", 20'000));
    stepped.events.push_back(FakeBrain::event("effect.intended", now, command->body));
    stepped.effects.push_back(effect);
    stepped.answer = nlohmann::json{{"fault", "f-1"}};
  }
  if (const auto* done = std::get_if<EffectDone>(&input)) {
    stepped.events.push_back(FakeBrain::event(
        "effect.done", now, {{"outcome", done->outcome}, {"detail", done->detail}}));
  }
  if (const auto* batch = std::get_if<AgentEvents>(&input)) {
    for (const auto& item : batch->events) {
      stepped.events.push_back(FakeBrain::event(item.kind, item.at, item.data));
    }
  }
  if (std::holds_alternative<AgentState>(input)) {
    stepped.events.push_back(FakeBrain::event("agent.up", now));
  }
  return stepped;
}

// A controller in this process, with a thread of its own for the loop.
class Running {
 public:
  Running(const TemporaryFolder& folder, const FakeAgent& agent)
      : Running(folder, std::map<std::string, const FakeAgent*>{{"keys-1", &agent}}) {}
  Running(const TemporaryFolder& folder, const std::map<std::string, const FakeAgent*>& agents)
      : brain_(relay) {
    Config config;
    config.port = 0;
    config.state = folder / "state";
    config.poll = 300ms;
    config.settings.lease = 3s;
    for (const auto& [node, agent] : agents) {
      config.inventory.nodes[node] = {.name = node,
                                      .url = agent->url(),
                                      .token_file = agent->token_file(),
                                      .services = {},
                                      .links = {},
                                      .programs = {}};
    }
    catalog_.inventory = config.inventory;
    brain_.shown = {{"faults", {{"f-1", {{"node", "keys-1"}, {"state", "live"}}}}}};
    app_ = std::make_unique<App>(config, App::Parts{.catalog = catalog_,
                                                    .brain = brain_,
                                                    .clock = clock_,
                                                    .version = "test",
                                                    .draw = {},
                                                    .load = {}});
    const auto opened = app_->open();
    if (!opened) throw std::runtime_error(opened.error().message);
    token_ = read_file(config.state / "controller.token").value();
    while (token_.ends_with('\n')) token_.pop_back();
    thread_ = std::thread([this] { ended_well_ = app_->run().has_value(); });
  }
  ~Running() { stop(); }
  const std::string& token() const { return token_; }
  bool stop() {
    if (thread_.joinable()) {
      app_->stop();
      thread_.join();
    }
    return ended_well_;
  }

  nlohmann::json call(const std::string& method, const std::string& path,
                      const std::string& body = "") const {
    const auto reply = call_as(token_, method, path, body);
    return reply ? parse_json(reply->body).value() : nlohmann::json{{"sent", false}};
  }
  Result<HttpReply> call_as(const std::string& token, const std::string& method,
                            const std::string& path, const std::string& body = "") const {
    HttpClient client;
    HttpCall call;
    call.method = method;
    call.url = cat("http://127.0.0.1:", app_->port(), path);
    call.body = body;
    call.token = token;
    call.timeout = 15s;
    return client.send(call);
  }
  std::vector<nlohmann::json> events(const std::string& kind) const {
    std::vector<nlohmann::json> found;
    const auto page = call("GET", "/api/v1/events");
    for (const auto& event : page.at("events")) {
      if (event.at("kind") == kind) found.push_back(event.at("data"));
    }
    return found;
  }
  bool sees(const std::string& kind, std::size_t count = 1) const {
    return eventually([&] { return events(kind).size() >= count; });
  }

 private:
  SystemClock clock_;
  Catalog catalog_;
  FakeBrain brain_;
  std::unique_ptr<App> app_;
  std::string token_;
  std::atomic<bool> ended_well_{false};
  std::thread thread_;
};

}  // namespace panshi::controller
