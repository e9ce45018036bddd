// SPDX-License-Identifier: Apache-2.0
// FakeAgent: an agent's API of a test's making, in this process, on a port of its own.
//
// Answers polls and status like an agent with nothing to do; say() queues an event. What it does
// with faults is up to `on_inject`. Every call that changes something is remembered.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/io/http_server.h"
#include "core/json/fields.h"

namespace panshi {

class FakeAgent {
 public:
  using OnInject = std::function<HttpResponse(const std::string& id)>;

  FakeAgent(std::string node, const std::filesystem::path& folder, OnInject on_inject = {})
      : node_(std::move(node)), token_file_(folder / (node_ + ".token")), on_inject_(on_inject) {
    HttpServer::Options options;
    options.token = "the-secret-of-" + node_;
    options.threads = 6;
    server_ = std::make_unique<HttpServer>(options);
    add_routes();
    if (!server_->start()) throw std::runtime_error("fake agent does not start");
    write_token();
  }
  ~FakeAgent() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    server_->stop();
  }
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  std::string token_file() const { return token_file_.string(); }
  // Before the controller starts; else nobody knows any kind.
  void on_kinds(std::function<nlohmann::json()> answer) { on_kinds_ = std::move(answer); }
  void write_token() { std::ofstream(token_file_) << "the-secret-of-" << node_ << '\n'; }

  void say(const std::string& kind, const nlohmann::json& data) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back({{"seq", events_.size() + 1}, {"kind", kind}, {"data", data}});
    }
    changed_.notify_all();
  }

  struct Call {
    std::string path;
    nlohmann::json body;
  };
  std::vector<Call> calls(const std::string& path_part) const {
    const std::lock_guard lock(mutex_);
    std::vector<Call> found;
    for (const Call& call : calls_) {
      if (call.path.find(path_part) != std::string::npos) found.push_back(call);
    }
    return found;
  }

 private:
  void add_routes() {
    server_->route("POST", "/v1/poll", [this](const HttpRequest& in) { return poll(in); });
    server_->route("GET", "/v1/status", [this](const HttpRequest&) {
      return json_response({{"node", node_},
                            {"start_id", "run-1"},
                            {"version", "fake"},
                            {"boot_id", "b"},
                            {"epoch", 0},
                            {"services", nlohmann::json::array()},
                            {"probes", nlohmann::json::array()},
                            {"links", nlohmann::json::array()},
                            {"faults", nlohmann::json::array()},
                            {"actions", nlohmann::json::array()}});
    });
    server_->route("GET", "/v1/faults/kinds", [this](const HttpRequest&) {
      return json_response({{"kinds", on_kinds_ ? on_kinds_() : nlohmann::json::array()}});
    });
    server_->route("PUT", "/v1/faults/{id}", [this](const HttpRequest& in) {
      remember(in);
      if (on_inject_) return on_inject_(in.captures.at(0));
      return json_response({{"id", in.captures.at(0)}, {"state", "live"}});
    });
    server_->route("POST", "/v1/faults/{id}/revert", [this](const HttpRequest& in) {
      remember(in);
      return json_response({{"id", in.captures.at(0)}, {"state", "reverted"}});
    });
    server_->route("POST", "/v1/revert-all", [this](const HttpRequest& in) {
      remember(in);
      return json_response({{"reverted", {"f-1"}}, {"failed", nlohmann::json::array()}});
    });
  }

  HttpResponse poll(const HttpRequest& request) {
    remember(request);
    const auto body = parse_json(request.body).value();
    auto after = body.at("after").get<std::size_t>();
    if (body.at("start_id") != "run-1") after = 0;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(body.at("wait_ms").get<int>()),
                      [&] { return stopping_ || events_.size() > after; });
    nlohmann::json fresh = nlohmann::json::array();
    for (std::size_t i = after; i < events_.size(); ++i) {
      fresh.push_back(events_[i]);
      fresh.back()["age_us"] = 0;
    }
    return json_response({{"start_id", "run-1"},
                          {"next", events_.size()},
                          {"lost", false},
                          {"events", fresh},
                          {"samples", nlohmann::json::array()}});
  }

  void remember(const HttpRequest& request) {
    const std::lock_guard lock(mutex_);
    calls_.push_back({request.path, parse_json(request.body).value_or(nlohmann::json())});
  }

  const std::string node_;
  const std::filesystem::path token_file_;
  const OnInject on_inject_;
  std::function<nlohmann::json()> on_kinds_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<nlohmann::json> events_;
  std::vector<Call> calls_;
  bool stopping_ = false;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace panshi
