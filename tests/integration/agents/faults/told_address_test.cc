// SPDX-License-Identifier: Apache-2.0
// The promise under test: where a server says that the others of its cluster are, nobody's password
// goes unless the configuration says so, too.
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "agents/host/linux_host.h"
#include "core/base/text.h"
#include "tests/support/eventually.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/secret_file.h"
#include "tests/support/temporary_folder.h"

namespace panshi::agent {
namespace {

const std::string kPassword = "correct-horse-battery";

// Hears what one client says, and answers OK to each of it.
class Listening {
 public:
  Listening() {
    thread_ = std::thread([this] {
      const int peer = listener_.accept();
      if (peer < 0) return;
      const timeval patience{.tv_sec = 2, .tv_usec = 0};
      ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      std::string bytes(4'096, '\0');
      for (ssize_t got = 0; (got = ::recv(peer, bytes.data(), bytes.size(), 0)) > 0;) {
        heard_.append(bytes, 0, static_cast<std::size_t>(got));
        (void)::send(peer, "+OK\r\n", 5, MSG_NOSIGNAL);
      }
      ::close(peer);
    });
  }
  ~Listening() { (void)heard(); }
  std::string heard() {
    if (thread_.joinable()) {
      listener_.stop();
      thread_.join();
    }
    return heard_;
  }
  std::uint16_t port() const { return listener_.port; }

 private:
  LoopbackListener listener_;
  std::string heard_;
  std::thread thread_;
};

AgentConfig config_of(const std::string& redis) {
  return read_config(cat("node: n\naddress: 127.0.0.1\nport: 1\nstate: /nowhere\nservices:\n"
                         "  - {name: cache, command: [/bin/true], redis: {host: 127.0.0.9, "
                         "port: 6379",
                         redis, "}}\n"),
                     "n.yaml")
      .value();
}

TEST_CASE("a password goes to the hosts that are configured, and to no other that a server names") {
  const TemporaryFolder folder;
  const std::string password =
      cat(", password: {secret: ", secret_in(folder.path(), kPassword).file().string(), "}");
  const AgentConfig closed = config_of(password);
  Listening stranger;
  const auto refused = LinuxHost(closed).open_redis_at("cache", "127.0.0.1", stranger.port());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kRefused);
  CHECK_THAT(refused.error().message, Catch::Contains("`redis.peers`"));
  CHECK(stranger.heard().empty());

  const AgentConfig open = config_of(cat(password, ", peers: [127.0.0.1]"));
  // A busy machine may let the call's time run out before the listener's thread has its turn.
  CHECK(eventually([&] {
    Listening peer;
    (void)LinuxHost(open).open_redis_at("cache", "127.0.0.1", peer.port());
    return peer.heard().find(kPassword) != std::string::npos;
  }));

  const AgentConfig none = config_of("");
  CHECK(eventually([&] {
    Listening anybody;
    return LinuxHost(none).open_redis_at("cache", "127.0.0.1", anybody.port()).has_value();
  }));
}

}  // namespace
}  // namespace panshi::agent
