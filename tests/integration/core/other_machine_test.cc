// SPDX-License-Identifier: Apache-2.0
// The promise under test: nobody logs in to Redis, NATS or MariaDB on another machine in the clear
// unless the configuration says `insecure`. The other machine is a network namespace behind a
// cable.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "core/base/text.h"
#include "core/io/mariadb.h"
#include "core/io/nats_requests.h"
#include "core/io/redis.h"
#include "tests/support/eventually.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/mariadb_greeting.h"
#include "tests/support/namespace.h"
#include "tests/support/skip.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHere = "192.0.2.1";
constexpr const char* kThere = "192.0.2.2";

void must(const std::string& command) {
  if (const std::string said = output_of(split(command, ' ')); !said.empty()) {
    throw std::runtime_error(cat(command, ": ", said));
  }
}

// Accepts connections at kThere, greets, and keeps what it is told.
class OtherMachine {
 public:
  // REQUIRES: the calling thread is in a network of its own.
  explicit OtherMachine(std::string greeting) : greeting_(std::move(greeting)) {
    thread_ = std::thread([this] { run(); });
    const pid_t there = entered_.get_future().get();
    must(cat("ip link add cable type veth peer name cable netns ", there));
    must(cat("ip address add ", kHere, "/24 dev cable"));
    must("ip link set cable up");
    plugged_.set_value();
    port = listening_.get_future().get();
  }
  ~OtherMachine() {
    listener_->stop();
    thread_.join();
  }

  std::uint16_t port = 0;
  std::string heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  void run() {
    REQUIRE(enter_own_network());
    entered_.set_value(::gettid());
    plugged_.get_future().get();
    must(cat("ip address add ", kThere, "/24 dev cable"));
    must("ip link set cable up");
    listener_.emplace(kThere);
    listening_.set_value(listener_->port);
    for (int peer = listener_->accept(); peer >= 0; peer = listener_->accept()) {
      hear(peer);
      ::close(peer);
    }
  }
  void hear(int peer) {
    ::send(peer, greeting_.data(), greeting_.size(), MSG_NOSIGNAL);
    char bytes[4096];
    for (ssize_t got = 0; (got = ::recv(peer, bytes, sizeof bytes, 0)) > 0;) {
      const std::lock_guard lock(mutex_);
      heard_.append(bytes, static_cast<std::size_t>(got));
    }
  }

  const std::string greeting_;
  std::promise<pid_t> entered_;
  std::promise<void> plugged_;
  std::promise<std::uint16_t> listening_;
  std::optional<LoopbackListener> listener_;
  mutable std::mutex mutex_;
  std::string heard_;
  std::thread thread_;
};

// `call` tries to connect by these rules, and says what came of it.
void check_who_is_told(const std::string& greeting,
                       const std::function<std::string(std::uint16_t, PasswordRules)>& call) {
  if (::geteuid() != 0) skip_case("only root has networks of its own");
  std::thread([&] {
    REQUIRE(enter_own_network());
    const OtherMachine other(greeting);
    const std::string said = call(other.port, {});
    CHECK_THAT(said, Catch::Contains("no password was sent: 192.0.2.2 is another machine") &&
                         Catch::Contains("insecure: true"));
    CHECK_THAT(call(other.port, {.accounts = {65'534}}), Catch::Contains("another machine"));
    CHECK(other.heard().find("secret") == std::string::npos);
    (void)call(other.port, {.insecure = true});
    CHECK(eventually([&] { return other.heard().find("secret") != std::string::npos; }));
  }).join();
}

TEST_CASE("the password of Redis goes to another machine only as insecure") {
  check_who_is_told("", [](std::uint16_t port, PasswordRules rules) {
    const auto redis = Redis::connect({.host = kThere,
                                       .port = port,
                                       .password = "secret",
                                       .rules = std::move(rules),
                                       .command_timeout = 200ms});
    return redis ? std::string("connected") : redis.error().message;
  });
}

TEST_CASE("the password of NATS goes to another machine only as insecure") {
  check_who_is_told(
      "INFO {\"max_payload\":1048576}\r\n", [](std::uint16_t port, PasswordRules rules) {
        const auto nats = NatsRequests::connect({.url = cat("nats://", kThere, ":", port),
                                                 .user = "chaos",
                                                 .password = "secret",
                                                 .rules = std::move(rules),
                                                 .timeout = 200ms});
        return nats ? std::string("connected") : nats.error().message;
      });
}

TEST_CASE("nobody logs in to MariaDB on another machine but as insecure") {
  check_who_is_told(mariadb_packet(0, mariadb_greeting()),
                    [](std::uint16_t port, PasswordRules rules) {
                      const auto database = MariaDb::connect({.host = kThere,
                                                              .port = port,
                                                              .user = "secret",
                                                              .password = "password",
                                                              .connect_timeout = 300ms,
                                                              .rules = std::move(rules)});
                      return database ? std::string("connected") : database.error().message;
                    });
}

}  // namespace
}  // namespace panshi
