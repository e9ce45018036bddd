// SPDX-License-Identifier: Apache-2.0
// The promise under test: clients and tests written for Toxiproxy find its API as they know it:
// statuses, error strings, defaults, content types, and what toxics do to connections.
#include <catch2/catch.hpp>
#include <future>

#include "core/base/text.h"
#include "core/json/fields.h"
#include "tests/integration/agents/toxiproxy/proxies.h"

namespace panshi::agent::toxiproxy {
namespace {

using test::connect_to;
using test::Server;
using test::Socket;

void echo(Socket& socket) {
  for (std::string text = socket.receive(); !text.empty() && !text.starts_with("error ");) {
    if (!socket.send(text)) return;
    text = socket.receive();
  }
}

struct Row {
  const char* method;
  const char* path;
  const char* body;
  int status;
  const char* answer;  // the whole body; "*": not looked at
};

// In order: each row finds what those before it left.
constexpr Row kRows[] = {
    {"GET", "/proxies", "", 200, "{}"},
    {"GET", "/proxies/none", "", 404,
     R"({"error":"proxy not found","status":404})"
     "\n"},
    {"POST", "/proxies", "", 400,
     R"({"error":"bad request body: EOF","status":400})"
     "\n"},
    {"POST", "/proxies", "{}", 400,
     R"({"error":"missing required field: name","status":400})"
     "\n"},
    {"POST", "/proxies", R"({"name":"p"})", 400,
     R"({"error":"missing required field: upstream","status":400})"
     "\n"},
    {"POST", "/proxies", R"({"name":7})", 400, "*"},
    {"POST", "/proxies",
     R"({"NAME":"p","Listen":"127.103.0.1:18474","upstream":"somehost:12345","extra":1} and more)",
     201,
     R"({"enabled":true,"listen":"127.103.0.1:18474","name":"p",)"
     R"("toxics":[],"upstream":"somehost:12345"})"},
    {"POST", "/proxies", R"({"name":"p","upstream":"x:1"})", 409,
     R"({"error":"proxy already exists","status":409})"
     "\n"},
    {"POST", "/proxies", R"({"name":"q","listen":"127.103.0.1:18474","upstream":"x:1"})", 500,
     R"({"error":"listen tcp 127.103.0.1:18474: bind: address already in use","status":500})"
     "\n"},
    {"POST", "/proxies", R"({"name":"q","listen":"127.103.0.1:99999","upstream":"x:1"})", 500,
     R"({"error":"listen tcp: address 99999: invalid port","status":500})"
     "\n"},
    {"POST", "/proxies", R"({"name":"q","listen":"nowhere","upstream":"x:1"})", 500,
     R"({"error":"listen tcp: address nowhere: missing port in address","status":500})"
     "\n"},
    {"PATCH", "/proxies/p", R"({"listen":"127.103.0.1:99999"})", 500,
     R"({"error":"address 99999: invalid port","status":500})"
     "\n"},
    {"GET", "/proxies/q", "", 404, "*"},
    {"POST", "/proxies", R"({"name":"a b:c","enabled":false,"upstream":"x:99999"})", 201,
     R"({"enabled":false,"listen":"","name":"a b:c","toxics":[],"upstream":"x:99999"})"},
    {"GET", "/proxies/a%20b:c", "", 200, "*"},
    {"POST", "/proxies/a%20b%3Ac/toxics", R"({"name":"ü","type":"noop"})", 200, "*"},
    {"DELETE", "/proxies/a%20b%3ac/toxics/%C3%BC", "", 204, ""},
    {"GET", "/proxies/a%2Fb", "", 404, "404 page not found\n"},
    {"DELETE", "/proxies/a%20b:c", "", 204, ""},
    {"POST", "/proxies/p/toxics", R"({"type":"latency","stream":"sideways"})", 400,
     R"({"error":"stream was invalid, can be either upstream or downstream","status":400})"
     "\n"},
    {"POST", "/proxies/p/toxics", R"({"type":"latency","stream":""})", 400,
     R"({"error":"stream was invalid, can be either upstream or downstream","status":400})"
     "\n"},
    {"POST", "/proxies/p/toxics", R"({"type":"magic"})", 400,
     R"({"error":"invalid toxic type","status":400})"
     "\n"},
    {"POST", "/proxies/p/toxics", R"({"type":"latency","attributes":{"latency":"1000"}})", 400,
     "*"},
    {"POST", "/proxies/p/toxics", R"({"type":"latency","attributes":{"latency":1000.0}})", 400,
     "*"},
    {"POST", "/proxies/p/toxics", R"({"type":"latency","attributes":{"Latency":1000}})", 200,
     R"({"attributes":{"jitter":0,"latency":1000},)"
     R"("name":"latency_downstream","stream":"downstream","toxicity":1.0,"type":"latency"})"},
    {"POST", "/proxies/p/toxics", R"({"type":"latency"})", 409,
     R"({"error":"toxic already exists","status":409})"
     "\n"},
    {"POST", "/proxies/p/toxics", R"({"name":"up","type":"slicer","stream":"UpStream"})", 200,
     R"({"attributes":{"average_size":0,"delay":0,)"
     R"("size_variation":0},"name":"up","stream":"UpStream","toxicity":1.0,"type":"slicer"})"},
    {"POST", "/proxies/p/toxics/latency_downstream",
     R"({"name":"x","toxicity":0.5,"attributes":{"jitter":10}})", 200,
     R"({"attributes":{"jitter":10,"latency":1000},)"
     R"("name":"latency_downstream","stream":"downstream","toxicity":0.5,"type":"latency"})"},
    {"GET", "/proxies/p/toxics/none", "", 404,
     R"({"error":"toxic not found","status":404})"
     "\n"},
    {"PATCH", "/proxies/p/toxics/none", "{}", 404, "*"},
    {"DELETE", "/proxies/p/toxics/none", "", 404, "*"},
    {"DELETE", "/proxies/none/toxics/none", "", 404,
     R"({"error":"proxy not found","status":404})"
     "\n"},
    {"PATCH", "/proxies/p", R"({"enabled":false})", 200, "*"},
    {"POST", "/reset", "", 204, ""},
    {"GET", "/proxies/p", "", 200,
     R"({"enabled":true,"listen":"127.103.0.1:18474","name":"p",)"
     R"("toxics":[],"upstream":"somehost:12345"})"},
    {"GET", "/proxies/p/toxics", "", 200, "[]"},
    {"POST", "/populate", R"([{"name":"a","upstream":"x:1"},{"name":"b"}])", 400,
     R"({"error":"missing required field: upstream at proxy 2","proxies":null,"status":400})"},
    {"GET", "/proxies/a", "", 404, "*"},
    {"POST", "/populate", "[]", 201, R"({"proxies":null})"},
    {"DELETE", "/proxies/p", "", 204, ""},
    {"DELETE", "/proxies/p", "", 404, "*"},
    {"GET", "/nowhere", "", 404, "404 page not found\n"},
    {"GET", "/metrics", "", 404, "404 page not found\n"},
    {"PUT", "/proxies", "{}", 405, ""},
    {"GET", "/reset", "", 405, ""},
};

TEST_CASE("each call is answered with the status and the words that clients know") {
  Proxies proxies;
  for (const Row& row : kRows) {
    INFO(row.method << " " << row.path << " " << row.body);
    const Reply reply = proxies.call(row.method, row.path, row.body);
    CHECK(reply.status == row.status);
    if (std::string(row.answer) != "*") CHECK(reply.body == row.answer);
    if (reply.status == 404 || reply.status == 409) {
      CHECK(reply.has("Content-Type: text/plain; charset=utf-8\r\n"));
    } else if (reply.status == 200 || reply.status == 201) {
      CHECK(reply.has("Content-Type: application/json\r\n"));
    }
    if (reply.status < 404) CHECK(reply.has("X-Toxiproxy-Request-Id: "));
  }
}

TEST_CASE("a POST without a body and a body in chunks are read, every error has its status") {
  Proxies proxies;
  const auto ask = [&](const std::string& text) {
    return raw_http(proxies.server->port(), text, test::kHost);
  };
  const std::string head = cat(" HTTP/1.1\r\nHost: ", test::kHost, "\r\nConnection: close\r\n");
  CHECK(raw_status(ask(cat("POST /reset", head, "\r\n"))) == 204);
  const std::string chunks =
      "f\r\n[{\"name\":\"in-ch\r\n18\r\nunks\",\"upstream\":\"x:1\"}]\r\n0\r\n\r\n";
  const std::string chunked = cat(head, "Transfer-Encoding: chunked\r\n\r\n", chunks);
  CHECK(raw_status(ask(cat("POST /populate", chunked))) == 201);
  CHECK(proxies.call("GET", "/proxies/in-chunks").status == 200);
  const Reply large = proxies.call("POST", "/proxies", std::string((1 << 20) + 1, 'x'));
  CHECK(large.status == 413);
  CHECK(large.value().at("status") == 413);
  const Reply elsewhere = proxies.call("GET", "/proxies", "", "Host: elsewhere\r\n");
  CHECK(elsewhere.value().at("status") == 403);
}

TEST_CASE("the version has its own content type, errors are not sniffed, browsers are refused") {
  Proxies proxies;
  const Reply version = proxies.call("GET", "/version");
  CHECK(version.has("Content-Type: application/json;charset=utf-8\r\n"));
  CHECK(version.body == "{\"version\": \"2.12.0\"}\n");  // what clients compare
  CHECK(proxies.call("GET", "/proxies/none").has("X-Content-Type-Options: nosniff\r\n"));
  const Reply browser = proxies.call("GET", "/proxies", "", "User-Agent: Mozilla/5.0\r\n");
  CHECK(browser.status == 403);
  CHECK(browser.body == "User agent not allowed\n");
}

TEST_CASE("a proxy carries bytes, slows them live, and refuses while disabled") {
  Server server(echo);
  Proxies proxies;
  const auto port = proxies.proxy("redis", server.address());
  Socket client = connect_to(port);
  client.send("x");
  REQUIRE(client.receive_exactly(1) == "x");
  const char* const toxics = "/proxies/redis/toxics";
  REQUIRE(proxies.call("POST", toxics, R"({"type":"timeout","attributes":{"timeout":0}})").status ==
          200);
  client.send("lost");
  CHECK_FALSE(client.has_input(100));
  REQUIRE(proxies.call("DELETE", cat(toxics, "/timeout_downstream")).status == 204);
  CHECK(client.receive().empty());
  REQUIRE(proxies.call("POST", "/proxies/redis", R"({"enabled":false})").status == 200);
  CHECK_FALSE(connect_to(port));
  const Reply on = proxies.call("POST", "/proxies/redis", R"({"enabled":true})");
  CHECK(Proxies::port_of(on.value()) == port);
  Socket again = connect_to(port);
  again.send("y");
  CHECK(again.receive_exactly(1) == "y");
}

TEST_CASE("an upstream that cannot be reached closes the client instead of resetting it") {
  Proxies proxies;
  CHECK(connect_to(proxies.proxy("far", "no-such-host.invalid:1")).receive().empty());
  CHECK(connect_to(proxies.proxy("near", cat(test::kHost, ":1"))).receive().empty());
}

TEST_CASE("toxics are listed upstream first, each in the order they were added") {
  Proxies proxies;
  proxies.proxy("p", "127.0.0.1:1");
  for (const char* toxic :
       {R"({"name":"d1","type":"noop"})", R"({"name":"u1","type":"noop","stream":"upstream"})",
        R"({"name":"d0","type":"noop"})", R"({"name":"u0","type":"noop","stream":"upstream"})"}) {
    REQUIRE(proxies.call("POST", "/proxies/p/toxics", toxic).status == 200);
  }
  std::vector<std::string> names;
  const json toxics = proxies.call("GET", "/proxies/p/toxics").value();
  for (const json& toxic : toxics) {
    names.push_back(toxic.at("name"));
  }
  CHECK(names == std::vector<std::string>{"u1", "u0", "d1", "d0"});
}

TEST_CASE("populate leaves the same proxies alone and replaces others, toxics and all") {
  Proxies proxies;
  const json same{{"name", "same"}, {"listen", "127.103.0.1:18475"}, {"upstream", "127.0.0.1:1"}};
  json other{{"name", "other"}, {"listen", "127.103.0.1:18476"}, {"upstream", "127.0.0.1:1"}};
  REQUIRE(proxies.call("POST", "/populate", json{same, other}.dump()).status == 201);
  for (const char* name : {"same", "other"}) {
    REQUIRE(proxies.call("POST", cat("/proxies/", name, "/toxics"), R"({"type":"noop"})").status ==
            200);
  }
  other["upstream"] = "127.0.0.1:2";
  const Reply reply = proxies.call("POST", "/populate", json{same, other}.dump());
  CHECK(reply.status == 201);
  CHECK(reply.value().at("proxies").at(0).at("toxics").size() == 1);
  CHECK(reply.value().at("proxies").at(1).at("toxics").empty());
}

TEST_CASE("links of the configuration are neither shown nor touched") {
  Proxies proxies;
  REQUIRE(proxies.links->open(
      {.name = "database", .listen = cat(test::kHost, ":0"), .upstreams = {{"a", "127.0.0.1:1"}}}));
  REQUIRE(proxies.links->add_toxic("database", "f1", {.kind = Toxic::Kind::kDown}));
  CHECK(proxies.call("GET", "/proxies").body == "{}");
  CHECK(proxies.call("POST", "/proxies", R"({"name":"database","upstream":"x:1"})").status == 409);
  CHECK(proxies.call("POST", "/reset").status == 204);
  CHECK(proxies.links->links().at(0).down);
}

TEST_CASE("a populate that fails leaves every proxy, its toxics and its connections as they were") {
  Server server(echo);
  Proxies proxies;
  const auto port = proxies.proxy("kept", server.address());
  const auto taken = proxies.proxy("other", server.address());
  REQUIRE(proxies.call("POST", "/proxies/kept/toxics", R"({"type":"noop"})").status == 200);
  const std::string before = proxies.call("GET", "/proxies").body;
  Socket client = connect_to(port);
  const json wanted = {
      {{"name", "kept"}, {"listen", cat(test::kHost, ":0")}, {"upstream", "x:1"}},
      {{"name", "new"}, {"listen", cat(test::kHost, ":", taken)}, {"upstream", "x:1"}}};
  const Reply reply = proxies.call("POST", "/populate", wanted.dump());
  CHECK(reply.status == 500);
  CHECK(reply.value().at("proxies").is_null());
  CHECK(proxies.call("GET", "/proxies").body == before);
  client.send("x");
  CHECK(client.receive_exactly(1) == "x");
}

TEST_CASE("a populate with one port for two proxies makes neither") {
  Proxies proxies;
  const auto port = proxies.proxy("short-lived", "127.0.0.1:1");
  REQUIRE(proxies.call("DELETE", "/proxies/short-lived").status == 204);
  const std::string listen = cat(test::kHost, ":", port);
  const json wanted = {{{"name", "p1"}, {"listen", listen}, {"upstream", "x:1"}},
                       {{"name", "p2"}, {"listen", listen}, {"upstream", "x:1"}}};
  const Reply reply = proxies.call("POST", "/populate", wanted.dump());
  CHECK(reply.status == 500);
  CHECK(reply.value().at("error") == cat("listen tcp ", listen, ": bind: address already in use"));
  CHECK(proxies.call("GET", "/proxies").value().empty());
}

TEST_CASE(
    "a port that is taken is named by its resolved address, an update that fails changes nothing") {
  Proxies proxies;
  const json first{{"name", "p"}, {"listen", "localhost:0"}, {"upstream", "127.0.0.1:1"}};
  const std::string listen = proxies.call("POST", "/proxies", first.dump()).value().at("listen");
  CHECK(listen.starts_with("127.0.0.1:"));
  const auto port = listen.substr(listen.rfind(':') + 1);
  const json second{{"name", "q"}, {"listen", cat("localhost:", port)}, {"upstream", "x:1"}};
  CHECK(proxies.call("POST", "/proxies", second.dump()).value().at("error") ==
        cat("listen tcp ", listen, ": bind: address already in use"));
  proxies.proxy("r", "127.0.0.1:1");
  const std::string before = proxies.call("GET", "/proxies/r").body;
  CHECK(proxies.call("PATCH", "/proxies/r", json{{"listen", listen}}.dump()).status == 500);
  CHECK(proxies.call("GET", "/proxies/r").body == before);
}

TEST_CASE("0.0.0.0 is every address of both families") {
  Server server(echo);
  Proxies proxies;
  const json body{{"name", "p"}, {"listen", "0.0.0.0:0"}, {"upstream", server.address()}};
  const json proxy = proxies.call("POST", "/proxies", body.dump()).value();
  const std::string listen = proxy.at("listen");
  CHECK((listen.starts_with("[::]:") || listen.starts_with("0.0.0.0:")));
  Socket v4 = connect_to(Proxies::port_of(proxy));
  v4.send("x");
  CHECK(v4.receive_exactly(1) == "x");
}

TEST_CASE("nothing that clients do lifts a fault under lease on a proxy's link") {
  Server server(echo);
  Proxies proxies;
  const auto port = proxies.proxy("p", server.address());
  const std::string reset_by_peer = cat("error ", ECONNRESET);
  REQUIRE(proxies.links->add_toxic("p", "f-1", {.kind = Toxic::Kind::kReset}));
  const Toxic slow{.kind = Toxic::Kind::kDelay,
                   .delay = std::chrono::seconds(1),
                   .direction = Toxic::Direction::kDownstream};
  REQUIRE(proxies.links->add_toxic("p", "f-2", slow));
  const char* const same = R"({"name":"f-2","type":"latency","attributes":{"latency":1000}})";
  CHECK(proxies.call("POST", "/proxies/p/toxics", same).status == 200);
  CHECK(proxies.call("DELETE", "/proxies/p/toxics/f-2").status == 204);
  CHECK(proxies.call("PATCH", "/proxies/p", R"({"enabled":false})").status == 200);
  CHECK(proxies.call("PATCH", "/proxies/p", R"({"enabled":true})").status == 200);
  CHECK(proxies.call("POST", "/reset").status == 204);
  const json other{{"name", "p"}, {"listen", cat(test::kHost, ":", port)}, {"upstream", "x:1"}};
  CHECK(proxies.call("POST", "/populate", json::array({other}).dump()).status == 201);
  CHECK(proxies.links->links().at(0).toxics.size() == 2);
  CHECK(connect_to(port).receive() == reset_by_peer);
  const Reply refused = proxies.call("DELETE", "/proxies/p");
  CHECK(refused.status == 409);
  REQUIRE(proxies.links->remove_toxic("p", "f-1"));
  REQUIRE(proxies.links->remove_toxic("p", "f-2"));
  CHECK(proxies.call("DELETE", "/proxies/p").status == 204);
}

TEST_CASE("a thousand proxies and a thousand toxics are taken") {
  Proxies proxies;
  json all = json::array();
  for (int i = 0; i < 1000; ++i) {
    all.push_back({{"name", cat("p", i)}, {"upstream", "x:1"}, {"enabled", i % 2 == 0}});
  }
  CHECK(proxies.call("POST", "/populate", all.dump()).status == 201);
  for (int i = 0; i < 1000; ++i) {
    const std::string toxic = json{{"name", cat("t", i)}, {"type", "noop"}}.dump();
    REQUIRE(proxies.call("POST", "/proxies/p0/toxics", toxic).status == 200);
  }
  CHECK(proxies.call("POST", "/proxies/p0/toxics", R"({"type":"noop"})").status == 500);
  CHECK(proxies.call("GET", "/proxies").value().size() == 1000);
}

TEST_CASE("no call waits for the name of an upstream, nor others for the name of a listener") {
  // As when no name server answers: who waited for one would not be back before the end.
  const auto over = std::make_shared<std::promise<void>>();
  const auto ended = over->get_future().share();
  Proxies proxies([ended](const std::string&) -> Result<Names::Addresses> {
    ended.wait();
    return fail(ErrorCode::kUnavailable, "no answer");
  });
  Socket client = connect_to(proxies.proxy("p", "upstream.test:80"));
  auto slow = std::async(std::launch::async, [&] {
    const json body{{"name", "q"}, {"listen", "here.test:0"}, {"upstream", "x:1"}};
    return proxies.call("POST", "/proxies", body.dump());
  });
  for (int i = 0; i < 20; ++i) CHECK(proxies.call("GET", "/proxies").status == 200);
  CHECK(proxies.call("POST", "/reset").status == 204);
  const Reply refused = slow.get();
  CHECK(refused.status == 500);
  CHECK(refused.value().at("error") == "listen tcp: lookup here.test: i/o timeout");
  CHECK(client.receive().empty());  // its upstream cannot be reached
  over->set_value();
}

}  // namespace
}  // namespace panshi::agent::toxiproxy
