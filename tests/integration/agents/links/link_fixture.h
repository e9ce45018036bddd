// SPDX-License-Identifier: Apache-2.0
// A link table with one link, and servers to put behind it.
#pragma once

#include <catch2/catch.hpp>

#include "agents/links/link_table.h"
#include "tests/integration/agents/links/sockets.h"

namespace panshi::agent {

using namespace std::chrono_literals;
using test::connect_to;
using test::kHost;
using test::Server;
using test::Socket;

inline void echo(Socket& socket) {
  for (;;) {
    const std::string text = socket.receive();
    if (text.empty() || text.starts_with("error ") || !socket.send(text)) return;
  }
}

// Says `name` first, then echoes.
inline Server::Serve named(std::string name) {
  return [name](Socket& socket) {
    if (socket.send(name)) echo(socket);
  };
}

inline std::unique_ptr<LinkTable> make_table() {
  auto table = LinkTable::create();
  REQUIRE(table);
  return std::move(*table);
}

inline LinkSpec spec_to(std::vector<LinkUpstream> upstreams) {
  return {.name = "database",
          .listen = std::string(kHost) + ":0",
          .upstreams = std::move(upstreams),
          .seed = 7};
}

inline std::uint16_t open_link(LinkTable& table, std::vector<LinkUpstream> upstreams) {
  const auto opened = table.open(spec_to(std::move(upstreams)));
  REQUIRE(opened);
  return table.port("database").value();
}

inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint64_t state = 42;
  for (char& c : text) c = static_cast<char>((state = state * 6364136223846793005 + 1) >> 56);
  return text;
}

inline Toxic delay(Duration by, Duration jitter = {}) {
  return {.kind = Toxic::Kind::kDelay, .delay = by, .jitter = jitter};
}
inline const Toxic kDown{.kind = Toxic::Kind::kDown};
inline const Toxic kReset{.kind = Toxic::Kind::kReset};
inline const std::string kResetByPeer = "error " + std::to_string(ECONNRESET);

}  // namespace panshi::agent
