// SPDX-License-Identifier: Apache-2.0
// FakeRedis: as much of a Redis server as the faults of agents/faults/redis want. Any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agents/host/host.h"
#include "core/base/text.h"

namespace panshi::agent {

class FakeRedis {
 public:
  using Touch = std::function<Status(const std::string& what)>;
  // `touch` is told of each command that changes something, before it acts; it may refuse.
  explicit FakeRedis(Touch touch, bool replica = true)
      : follows(replica), touch_(std::move(touch)) {}

  bool healthy() {
    const std::lock_guard lock(mutex_);
    return !paused_ && settings_ == kBefore && linked_ && !promoted_ && keys_ == kKeysBefore;
  }
  std::unique_ptr<RedisSession> open() { return std::make_unique<Session>(*this, "self"); }
  // Of those that CLUSTER NODES tells of.
  std::unique_ptr<RedisSession> open_peer(const std::string& address) {
    return std::make_unique<Session>(*this, address == "10.0.0.1:6379" ? "p1" : "other");
  }
  void write_key(const std::string& name, const std::string& value) {  // by a client, meanwhile
    const std::lock_guard lock(mutex_);
    keys_[name] = {value, -1};
  }
  std::string key(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return keys_.contains(name) ? keys_.at(name).first : "";
  }

  // Every command that was run, "CONFIG GET", also by a script; those about the account left out.
  std::set<std::string> used() {
    const std::lock_guard lock(mutex_);
    return used_;
  }

  // What the account `chaos` may not run, "CONFIG GET", or "channel panshi"; nullopt: the server
  // does not say. Set before the fault.
  std::optional<std::set<std::string>> denied;
  bool follows;                 // a primary; set before the fault
  bool primary_failed = false;  // set before revert()
  int unvoted = 0;              // as often it takes a place without a vote; set before the fault

 private:
  using Settings = std::map<std::string, std::string>;
  using Keys = std::map<std::string, std::pair<std::string, std::int64_t>>;  // value, expiry

  class Session final : public RedisSession {
   public:
    Session(FakeRedis& server, std::string who) : server_(server), who_(std::move(who)) {}
    Result<RedisReply> run(const std::vector<std::string>& command) override {
      return server_.run(who_, command);
    }

   private:
    FakeRedis& server_;
    const std::string who_;
  };

  static bool changes(const std::vector<std::string>& command) {
    return command[0] == "CLIENT" || command[0] == "EVAL" || command[0] == "RESTORE" ||
           (command[0] == "CONFIG" && command[1] == "SET") ||
           (command[0] == "CLUSTER" && command[1] == "FAILOVER");
  }

  Result<RedisReply> run(const std::string& who, const std::vector<std::string>& command) {
    if (changes(command)) {
      if (auto touched = touch_(command[1]); !touched) return tl::unexpected(touched.error());
    }
    const std::lock_guard lock(mutex_);
    if (command[0] == "ACL") return of_account(command);
    note(command);
    if (command[0] == "CLUSTER") return of_cluster(who, command);
    if (command[0] == "CLIENT") return of_clients(command);
    if (command[0] == "CONFIG") return of_settings(command);
    if (command[0] == "PUBLISH" && paused_) return fail(ErrorCode::kTimeout, "no answer");
    if (command[0] != "INFO") return of_keys(command);
    return text(cat(follows && !promoted_ ? "role:slave" : "role:master",
                    "\r\nmaster_link_status:", linked_ ? "up" : "down", "\r\n"));
  }

  static RedisReply text(std::string words) {
    RedisReply reply;
    reply.kind = RedisReply::Kind::kText;
    reply.text = std::move(words);
    return reply;
  }

  static bool has_parts(const std::string& command) {
    return command == "CLIENT" || command == "CLUSTER" || command == "CONFIG";
  }

  void note(const std::vector<std::string>& command) {
    used_.insert(has_parts(command[0]) ? cat(command[0], " ", command[1]) : command[0]);
    if (command[0] != "EVAL") return;
    constexpr std::string_view kCall = "redis.call('";
    const std::string& script = command[1];
    for (auto at = script.find(kCall); at != script.npos; at = script.find(kCall, at + 1)) {
      const auto begin = at + kCall.size();
      used_.insert(script.substr(begin, script.find('\'', begin) - begin));
    }
  }

  // ACL WHOAMI and ACL DRYRUN as Redis 7 answers.
  Result<RedisReply> of_account(const std::vector<std::string>& command) const {
    if (!denied) return fail(ErrorCode::kRefused, "ERR unknown subcommand");
    if (command[1] == "WHOAMI") return text("chaos");
    const bool parts = has_parts(command.at(3));
    const std::string name = parts ? cat(command[3], " ", command.at(4)) : command[3];
    const auto wanted = kArguments.find(name);
    if (wanted == kArguments.end()) return fail(ErrorCode::kRefused, "ERR Command not found");
    const auto [least, most] = wanted->second;
    const std::size_t given = command.size() - (parts ? 5 : 4);
    if (given < least || given > most) {
      return fail(ErrorCode::kRefused, cat("ERR wrong number of arguments for '", name, "'"));
    }
    const auto no = [](const char* what) {
      return text(cat("This user has no permissions to ", what));
    };
    if (denied->contains(name)) return no("run the command");
    if (name == "PUBLISH" && denied->contains(cat("channel ", command.at(4)))) {
      return no("access the 'panshi' channel");
    }
    return name == "DUMP" ? no("access the 'panshi' key") : text("OK");
  }

  RedisReply of_clients(const std::vector<std::string>& command) {
    if (command[1] == "KILL") {
      linked_ = settings_["masterauth"] == kBefore.at("masterauth");
    } else {
      paused_ = command[1] == "PAUSE";
    }
    return {};
  }

  RedisReply of_settings(const std::vector<std::string>& command) {
    RedisReply reply;
    if (changes(command)) {
      evicted_ = evicted_ || (command[2] == "maxmemory" && command[3] == "1" &&
                              settings_["maxmemory-policy"] != "noeviction");
      linked_ = linked_ || command[2] == "masterauth";  // tried anew, and judged by who asks next
      settings_[command[2]] = evicted_ ? "evicted" : command[3];  // never well again
    } else {
      reply.list = {RedisReply(), text(settings_[command[2]])};
    }
    return reply;
  }

  // Its primary p1, two more primaries, and a replica of each of those.
  RedisReply of_cluster(const std::string& who, const std::vector<std::string>& command) {
    if (command[1] == "FAILOVER") {
      promoted_ = who == "self";
      unvoted_ = unvoted > 0;
      unvoted -= unvoted_ ? 1 : 0;
      return {};
    }
    const auto line = [&](const char* id, const char* host, const std::string& flags,
                          const std::string& primary) {
      return cat(id, " ", host, ":6379@16379 ", flags, " ", primary, " 0 0 ",
                 id == std::string("self") && unvoted_ ? 1 : 2, " connected",
                 primary == "-" ? " 0-5460" : "", "\n");
    };
    const bool leads = promoted_ || !follows;
    const auto called = [&](const char* id) { return who == id ? "myself," : ""; };
    std::string nodes = line("self", "10.0.0.4", cat(called("self"), leads ? "master" : "slave"),
                             leads ? "-" : "p1");
    if (follows) {
      nodes += line(
          "p1", "10.0.0.1",
          cat(called("p1"), leads && !unvoted_ ? "slave" : "master", primary_failed ? ",fail" : ""),
          leads && !unvoted_ ? "self" : "-");
    }
    nodes += line("p2", "10.0.0.2", "master", "-") + line("p3", "10.0.0.3", "master", "-");
    return text(nodes + line("r2", "10.0.0.5", "slave", "p2") +
                line("r3", "10.0.0.6", "slave", "p3"));
  }

  Result<RedisReply> of_keys(const std::vector<std::string>& command) {
    RedisReply reply;
    if (command[0] == "SCAN") {
      RedisReply names;
      for (const auto& [name, kept] : keys_) {
        if (name.starts_with("cache:") && command[3] == "cache:*") names.list.push_back(text(name));
      }
      reply.list = {text("0"), names};
    } else if (command[0] == "DUMP" && keys_.contains(command[1])) {
      return text(keys_.at(command[1]).first);
    } else if (command[0] == "PTTL") {
      reply.integer = keys_.contains(command[1]) ? 60'000 : -2;
    } else if (command[0] == "PEXPIRETIME") {
      reply.integer = keys_.contains(command[1]) ? keys_.at(command[1]).second : -2;
    } else if (command[0] == "EVAL" && keys_.contains(command[3])) {
      if (keys_.at(command[3]).first == command[4]) keys_.erase(command[3]);
    } else if (command[0] == "RESTORE") {
      if (keys_.contains(command[1])) return fail(ErrorCode::kRefused, "BUSYKEY exists");
      const bool ends = command.size() > 4 && command[4] == "ABSTTL";
      keys_[command[1]] = {command[3], ends ? std::stoll(command[2]) : -1};
    }
    return reply;
  }

  const Settings kBefore = {
      {"masterauth", "secret"}, {"maxmemory", "67108864"}, {"maxmemory-policy", "allkeys-lru"}};
  const Keys kKeysBefore = {{"cache:a", {"one", -1}},
                            {"cache:b", {std::string("\0\xff", 2), 99}},
                            {"cache:c", {"", -1}},
                            {"order:1", {"kept", -1}}};
  // How many arguments a command takes, at least and at most.
  static constexpr std::size_t kAny = 1'000;
  const std::map<std::string, std::pair<std::size_t, std::size_t>> kArguments = {
      {"CLIENT KILL", {1, kAny}}, {"CLIENT PAUSE", {1, kAny}},
      {"CLIENT UNPAUSE", {0, 0}}, {"CLUSTER FAILOVER", {0, kAny}},
      {"CLUSTER NODES", {0, 0}},  {"CONFIG GET", {1, kAny}},
      {"CONFIG SET", {2, kAny}},  {"DUMP", {1, 1}},
      {"EVAL", {2, kAny}},        {"INFO", {0, kAny}},
      {"PEXPIRE", {2, kAny}},     {"PEXPIRETIME", {1, 1}},
      {"PING", {0, kAny}},        {"PTTL", {1, 1}},
      {"PUBLISH", {2, 2}},        {"RESTORE", {3, kAny}},
      {"SCAN", {1, kAny}}};
  const Touch touch_;
  std::mutex mutex_;
  std::set<std::string> used_;
  bool promoted_ = false;  // it has taken the place of its primary
  bool unvoted_ = false;   // and nobody else knows
  bool paused_ = false;
  bool linked_ = true;
  bool evicted_ = false;
  Settings settings_ = kBefore;
  Keys keys_ = kKeysBefore;
};

}  // namespace panshi::agent
