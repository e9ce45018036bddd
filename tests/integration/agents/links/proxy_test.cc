// SPDX-License-Identifier: Apache-2.0
// Promise: behind a link, or several, an upstream knows whose a connection is, and nobody but a
// proxy that is configured can say so.
#include "core/io/proxy_header.h"
#include "tests/integration/agents/links/link_fixture.h"
#include "tests/support/eventually.h"

namespace panshi::agent {
namespace {

constexpr const char* kClient = "127.103.7.7";
constexpr const char* kProxy = "127.103.7.8";

// Says which address its peer has and what its header says, then echoes what is behind that.
void reporter(Socket& socket) {
  sockaddr_in from{};
  socklen_t size = sizeof from;
  ::getpeername(socket.fd(), reinterpret_cast<sockaddr*>(&from), &size);
  std::string text(INET_ADDRSTRLEN, '\0');
  ::inet_ntop(AF_INET, &from.sin_addr, text.data(), INET_ADDRSTRLEN);
  text.resize(text.find('\0'));
  std::string bytes;
  std::optional<ProxyHeader> header;
  while (!header) {
    const std::string more = socket.receive();
    if (more.empty() || more.starts_with("error ")) return;
    bytes += more;
    auto read = read_proxy_header(bytes);
    if (!read) {
      socket.send(cat(text, " says no header: ", bytes));
      return;
    }
    header = std::move(*read);
  }
  const std::string origin = header->origin ? header->origin->source.address : "nobody";
  socket.send(cat(text, " says ", origin, ": ", bytes.substr(header->size)));
  echo(socket);
}

LinkSpec telling(const Server& server, int version) {
  LinkSpec spec = spec_to({{"a", server.address()}});
  spec.source = kProxy;
  spec.send_proxy = version;
  return spec;
}

std::uint16_t open_link(LinkTable& table, const LinkSpec& spec) {
  REQUIRE(table.open(spec));
  return table.port(spec.name).value();
}

TEST_CASE("an upstream is told whose a connection is, in both versions, before its first byte") {
  Server server(reporter);
  for (const int version : {1, 2}) {
    auto table = make_table();
    const std::uint16_t port = open_link(*table, telling(server, version));
    const Socket client = test::connect_from(kClient, port);
    REQUIRE(client);
    client.send("hello");
    const std::string told = cat(kProxy, " says ", kClient, ": hello");
    CHECK(client.receive_exactly(told.size()) == told);
    client.send("more");
    CHECK(client.receive() == "more");
  }
}

TEST_CASE("a toxic does not touch the header, and holds what is behind it") {
  Server server(reporter);
  auto table = make_table();
  const std::uint16_t port = open_link(*table, telling(server, 2));
  Toxic slicer{.kind = Toxic::Kind::kDelay, .delay = 20ms};
  REQUIRE(table->add_toxic("database", "t", slicer));
  const Socket client = test::connect_from(kClient, port);
  client.send("hello");
  CHECK(client.receive_exactly(std::string(cat(kProxy, " says ", kClient, ": ")).size())
            .ends_with(cat(kClient, ": ")));
}

TEST_CASE("through two links the upstream hears of the client, not of the first link") {
  Server server(reporter);
  auto table = make_table();
  LinkSpec inner = telling(server, 2);
  inner.name = "inner";
  inner.proxies = {kProxy};
  const std::uint16_t inner_port = open_link(*table, inner);
  LinkSpec outer = spec_to({{"inner", cat(kHost, ":", inner_port)}});
  outer.source = kProxy;
  outer.send_proxy = 1;
  const std::uint16_t port = open_link(*table, outer);
  const Socket client = test::connect_from(kClient, port);
  client.send("hello");
  const std::string told = cat(kProxy, " says ", kClient, ": hello");
  CHECK(client.receive_exactly(told.size()) == told);
}

TEST_CASE("who is no proxy is not believed: its header is what it says") {
  Server server(echo);
  auto table = make_table();
  LinkSpec spec = spec_to({{"a", server.address()}});
  spec.proxies = {kProxy};
  const std::uint16_t port = open_link(*table, spec);
  const std::string forged = proxy_header(1, ProxyOrigin{{"10.9.9.9", 1}, {"10.9.9.8", 2}});
  const Socket client = test::connect_from(kClient, port);
  client.send(forged);
  CHECK(client.receive_exactly(forged.size()) == forged);
}

TEST_CASE("a proxy's header may come in pieces, and is taken off") {
  Server server(echo);
  auto table = make_table();
  LinkSpec spec = spec_to({{"a", server.address()}});
  spec.proxies = {kProxy};
  const std::uint16_t port = open_link(*table, spec);
  for (const int version : {1, 2}) {
    const Socket proxy = test::connect_from(kProxy, port);
    const std::string bytes =
        proxy_header(version, ProxyOrigin{{"10.9.9.9", 1}, {"10.9.9.8", 2}}) + "hello";
    for (const char c : bytes) REQUIRE(proxy.send({&c, 1}));
    CHECK(proxy.receive_exactly(5) == "hello");
  }
}

TEST_CASE("a proxy that sends no header, a wrong or a late one is reset, and nobody is dialled") {
  Server server(echo);
  auto table = make_table();
  LinkSpec spec = spec_to({{"a", server.address()}});
  spec.proxies = {kProxy};
  spec.connect_timeout = 200ms;
  const std::uint16_t port = open_link(*table, spec);
  const std::string header = proxy_header(2, ProxyOrigin{{"10.9.9.9", 1}, {"10.9.9.8", 2}});
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n"), header.substr(0, header.size() - 1), std::string(),
        std::string("PROXY TCP4 ") + std::string(600, '1')}) {
    INFO(bytes.size());
    const Socket proxy = test::connect_from(kProxy, port);
    REQUIRE(proxy);
    proxy.send(bytes);
    const std::string answer = proxy.receive();
    CHECK((answer == kResetByPeer || answer.empty()));
  }
  const Socket gone = test::connect_from(kProxy, port);
  gone.finish_sending();
  CHECK(eventually([&] { return table->links().at(0).bad_headers == 5; }));
  CHECK(eventually([&] { return table->links().at(0).connections == 0; }));
  CHECK(server.served() == 0);
}

TEST_CASE("limits of one source count those behind a proxy each for itself, and not the proxy") {
  Server server(echo);
  auto table = make_table();
  LinkSpec spec = spec_to({{"a", server.address()}});
  spec.proxies = {kProxy};
  spec.connections_per_source = 2;
  const std::uint16_t port = open_link(*table, spec);
  std::vector<Socket> open;
  const auto works = [&](const std::string& address) {
    open.push_back(test::connect_from(kProxy, port));
    open.back().send(proxy_header(2, ProxyOrigin{{address, 1}, {"10.9.9.8", 2}}) + "x");
    return open.back().receive_exactly(1) == "x";
  };
  for (int i = 0; i < 5; ++i) {
    CHECK(works(cat("10.9.0.", i)));
    CHECK(works(cat("10.9.0.", i)));
  }
  CHECK_FALSE(works("10.9.0.3"));
  CHECK(table->links().at(0).refused_full == 1);
  open.clear();
  CHECK(eventually([&] { return table->links().at(0).connections == 0; }));
  CHECK(works("10.9.0.3"));
}

}  // namespace
}  // namespace panshi::agent
