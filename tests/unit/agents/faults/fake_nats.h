// SPDX-License-Identifier: Apache-2.0
// FakeNats: as much of JetStream as the faults of agents/faults/queue want: one stream, led by the
// server itself, with one consumer. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "agents/host/host.h"

namespace panshi::agent {

class FakeNats {
 public:
  using Touch = std::function<Status(const std::string& what)>;
  // `touch` is told of each change before it is made; it may refuse.
  explicit FakeNats(Touch touch) : touch_(std::move(touch)) {}

  bool healthy() {
    const std::lock_guard lock(mutex_);
    return filled_ == 0 && !purged_others_;
  }
  std::unique_ptr<NatsSession> open() { return std::make_unique<Session>(*this); }

  // Set before the fault; the names are those of the stream's configuration and state.
  std::string leader = "data-1";
  std::string filter = "order.*";
  std::int64_t held_before = 0;
  nlohmann::json config = {{"subjects", {"order.*", "fill.*"}}, {"retention", "limits"}};

 private:
  class Session final : public NatsSession {
   public:
    explicit Session(FakeNats& server) : server_(server) {}
    Result<nlohmann::json> ask(const std::string& what, const nlohmann::json& body) override {
      return server_.answer(what, body);
    }
    Status store(const std::string& subject, const std::string&,
                 const std::string& fault) override {
      return server_.store(subject, fault);
    }
    Result<std::string> server_name() override { return std::string("data-1"); }

   private:
    FakeNats& server_;
  };

  Status store(const std::string& subject, const std::string& fault) {
    if (auto touched = touch_("store"); !touched) return touched;
    if (subject != "fill.panshi") return fail(ErrorCode::kRefused, "no such subject");
    const std::lock_guard lock(mutex_);
    ++filled_;
    last_of_ = fault;
    return {};
  }

  Result<nlohmann::json> answer(const std::string& what, const nlohmann::json& body) {
    using nlohmann::json;
    if (what == "STREAM.PURGE.ORDERS") {
      if (auto touched = touch_(what); !touched) return tl::unexpected(touched.error());
    }
    const std::lock_guard lock(mutex_);
    if (what == "STREAM.PURGE.ORDERS") {
      purged_others_ = body.value("filter", std::string()) != "fill.panshi";
      filled_ = 0;
      return json{{"success", true}};
    }
    if (what == "STREAM.INFO.ORDERS") {
      json state = {{"messages", filled_ + 5}, {"bytes", 5'000}};
      if (filled_ + held_before > 0) state["subjects"] = {{"fill.panshi", filled_ + held_before}};
      return json{{"config", config}, {"state", state}, {"cluster", {{"leader", leader}}}};
    }
    if (what == "STREAM.MSG.GET.ORDERS" && filled_ > 0 && last_of_ == "f1") {
      // "NATS/1.0\r\nPanshi-Fault: f1\r\n\r\n"
      return json{{"message", {{"hdrs", "TkFUUy8xLjANClBhbnNoaS1GYXVsdDogZjENCg0K"}}}};
    }
    if (what == "STREAM.NAMES") return json{{"total", 1}, {"streams", {"ORDERS"}}};
    if (what == "CONSUMER.INFO.ORDERS.worker") {
      return json{{"num_pending", 3}, {"num_ack_pending", 1}};
    }
    if (what == "CONSUMER.LIST.ORDERS") {
      const json worker = {{"name", "worker"}, {"config", {{"filter_subject", filter}}}};
      return json{{"total", 1}, {"consumers", {worker}}};
    }
    return fail(ErrorCode::kNotFound, "not found");
  }

  const Touch touch_;
  std::mutex mutex_;
  std::int64_t filled_ = 0;
  std::string last_of_;  // a fault
  bool purged_others_ = false;
};

}  // namespace panshi::agent
