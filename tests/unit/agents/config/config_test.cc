// SPDX-License-Identifier: Apache-2.0
// Promise: every mistake in an agent's configuration is reported together, with file, line and
// column; nothing is guessed.
#include "agents/config/config.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr const char* kHead = "node: n\naddress: 127.0.0.1\nport: 17701\nstate: /tmp/s\n";

std::string mistakes(const std::string& body, const std::string& head = kHead) {
  const auto config = read_config(head + body, "agent.yaml");
  return config ? "" : config.error().message;
}

TEST_CASE("a whole configuration is read, with its defaults") {
  const auto config = read_config(std::string(kHead) + R"(
services:
  - name: db
    command: [/usr/bin/db, --port, "1"]
    prepare: [[mkdir, data]]
    ready: {kind: tcp, address: "127.0.0.1:1234", timeout: 50ms}
    stop: {signal: INT, within: 2s}
    sql: {host: 127.0.0.1, port: 1234, user: root}
    redis: {host: 127.0.0.1, port: 1235}
    nats: {url: "nats://127.0.0.1:1236", monitor: "http://127.0.0.1:1237"}
  - {name: shop, command: [shop], after: [db], restart: {policy: never},
     sql: {socket: run/db.sock, user: root}}
  - name: far
    command: [far]
    sql: {host: db.example, port: 3306, user: root, authority: tls/ca.pem}
links:
  - {name: database, listen: "127.0.0.1:99", upstreams: [{name: a, address: "127.0.0.1:98"}]}
probes:
  - {name: shop-http, service: shop, kind: http, url: "http://127.0.0.1:81/healthz?x=1",
     every: 50ms, signals: {depth: /queue/depth}}
programs:
  audit: {command: [audit, "--since={since_ms}", "{since_ms}", "{a}{b}"], timeout: 90s}
)",
                                  "dir/agent.yaml");
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  const ServiceConfig& db = *config->service("db");
  CHECK(db.stop.signal == SIGINT);
  CHECK(db.ready->target.port == 1234);
  CHECK(db.sql->user == "root");
  CHECK(config->service("shop")->sql->socket == std::filesystem::absolute("dir/run/db.sock"));
  CHECK(config->service("far")->sql->authority == std::filesystem::absolute("dir/tls/ca.pem"));
  CHECK(db.redis->port == 1235);
  CHECK(db.nats->url == "nats://127.0.0.1:1236");
  CHECK(db.nats->monitor == "http://127.0.0.1:1237");
  CHECK(db.restart.always);
  CHECK_FALSE(config->service("shop")->restart.always);
  const ProbeConfig& probe = config->probes.at(0);
  CHECK(probe.timeout == 50ms);
  CHECK(probe.target.port == 81);
  CHECK(probe.target.path == "/healthz?x=1");
  CHECK(probe.target.pointers.at("depth") == "/queue/depth");
  CHECK(program_arguments(config->programs.at("audit")) ==
        std::vector<std::string>{"a", "b", "since_ms"});
  CHECK(config->state == "/tmp/s");
}

TEST_CASE("a password may be heard by the accounts that are configured, and by the probes' too") {
  const auto config = read_config(std::string(kHead) + R"(
services:
  - {name: cache, command: [x], redis: {host: 127.0.0.1, port: 1235, account: nobody}}
  - {name: other, command: [x], redis: {host: 127.0.0.1, port: 1236}}
  - {name: bus, command: [x], nats: {url: "tls://127.0.0.1", authority: ca.pem, account: "4321"}}
probes:
  - {name: p, service: cache, kind: redis, host: 127.0.0.1, port: 1235, every: 1s}
  - {name: q, service: other, kind: redis, host: 127.0.0.1, port: 1236, account: daemon, every: 1s}
)",
                                  "/dir/agent.yaml");
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  const auto id = [](const char* name) { return find_user_id(name).value(); };
  CHECK(config->service("cache")->redis->rules.accounts == std::set<uid_t>{id("nobody")});
  CHECK(config->service("other")->redis->rules.accounts.empty());
  CHECK(config->service("bus")->nats->rules.accounts == std::set<uid_t>{4321});
  CHECK(config->service("bus")->nats->authority == "/dir/ca.pem");
  CHECK(config->probes.at(0).target.rules.accounts == std::set<uid_t>{id("nobody")});
  CHECK(config->probes.at(1).target.rules.accounts == std::set<uid_t>{id("daemon")});
  const std::string beyond =
      "services:\n  - {name: a, command: [x], redis: {host: 192.0.2.1, port: 1, password: "
      "{secret: s}";
  CHECK_THAT(mistakes(beyond + "}}\n"),
             Catch::Contains("redis.password would go to 192.0.2.1 in the clear") &&
                 Catch::Contains("`insecure: true`"));
  CHECK(mistakes(beyond + ", insecure: true}}\n") == "");
  CHECK_THAT(mistakes("services:\n  - {name: a, command: [x], redis: {host: 127.0.0.1, port: 1, "
                      "account: no-such-one}}\n"),
             Catch::Contains("account `no-such-one` is not a user of this machine"));
}

TEST_CASE("two that would listen at one place are a mistake of the file") {
  const std::string text = mistakes(R"(links:
  - {name: a, listen: "127.0.0.1:99", upstreams: [{name: x, address: "127.0.0.1:98"}]}
  - {name: b, listen: "127.0.0.1:99", upstreams: [{name: x, address: "127.0.0.1:98"}]}
  - {name: c, listen: "127.0.0.1:17701", upstreams: [{name: x, address: "127.0.0.1:98"}]}
)");
  INFO(text);
  CHECK_THAT(text, Catch::Contains("links[1].listen `127.0.0.1:99` is where link `a` listens"));
  CHECK_THAT(text, Catch::Contains("links[2].listen `127.0.0.1:17701` is where the agent's own API "
                                   "listens"));
}

TEST_CASE("every mistake is named with its line") {
  const std::string text = mistakes(R"(services:
  - {name: a/b, command: []}
  - {name: shop, comand: [shop]}
probes:
  - {name: p, service: shpo, kind: htpp, every: 1ms}
)");
  CHECK(split(text, '\n').size() >= 7);
  CHECK_THAT(text, Catch::Contains("agent.yaml:6:") && Catch::Contains("a/b"));
  CHECK_THAT(text, Catch::Contains("did you mean `command`?"));
  CHECK_THAT(text, Catch::Contains("did you mean `shop`?"));
  CHECK_THAT(text, Catch::Contains("did you mean `http`?"));
  CHECK_THAT(text, Catch::Contains("services[1].command is missing"));
  CHECK_THAT(text, Catch::Contains("must be from 20ms to 1h"));
}

TEST_CASE("the keys of each kind of probe are checked with their lines and bounds") {
  const std::string text = mistakes(R"(probes:
  - {name: a, service: db, kind: mariadb, host: h, port: 1, user: u, role: primry}
  - {name: b, kind: disk, path: relative, free_min: 101}
  - {name: c, kind: pressure, of: network}
  - {name: d, service: db, kind: nats, url: "http://127.0.0.1:1/varz", stream: s, pending_max: 1}
  - {name: e, service: db, kind: prometheus, url: "http://127.0.0.1:1/", signals: {x: "up{job}"}}
  - {name: f, kind: tcp, address: "127.0.0.1:1"}
services:
  - {name: db, command: [db]}
)");
  CHECK_THAT(text, Catch::Contains("agent.yaml:6:") && Catch::Contains("did you mean `primary`?"));
  CHECK_THAT(text, Catch::Contains("probes[1].path must begin with /"));
  CHECK_THAT(text, Catch::Contains("probes[1].free_min must be from 0 to 100"));
  CHECK_THAT(text, Catch::Contains("probes[2].of") && Catch::Contains("cpu, memory, io"));
  CHECK_THAT(text, Catch::Contains("probes[3].url") && Catch::Contains("needs a `consumer`"));
  CHECK_THAT(text, Catch::Contains("probes[4].signals.x"));
  CHECK_THAT(text, Catch::Contains("probes[5].service is missing"));
}

TEST_CASE("a URL with a password is refused, and not quoted") {
  const std::string text = mistakes(R"(probes:
  - {name: a, service: db, kind: http, url: "http://me:pass-in-url@127.0.0.1:1/"}
  - {name: b, service: db, kind: prometheus, url: "https://pass-in-url@127.0.0.1/",
     signals: {x: up}}
services:
  - {name: db, command: [db], load: {url: "http://me:pass-in-url@127.0.0.1:1"},
     nats: {url: "nats://127.0.0.1:1", monitor: "http://me:pass-in-url@127.0.0.1:1"}}
)");
  for (const char* key : {"probes[0].url", "probes[1].url", "load.url", "nats.monitor"}) {
    CHECK_THAT(text, Catch::Contains(cat(key, " holds no user and password")));
  }
  CHECK_THAT(text, !Catch::Contains("pass-in-url"));
}

TEST_CASE("a signal that another probe sends by its kind is refused") {
  CHECK_THAT(mistakes(R"(services: [{name: db, command: [db]}]
probes:
  - {name: root, kind: disk, path: /, free_min: 10.5}
  - {name: p, service: db, kind: http, url: "http://127.0.0.1:1/", signals: {root.free_percent: /a}}
)"),
             Catch::Contains("is sent by another probe already"));
}

TEST_CASE("a link's weights, health check and way back are read and checked") {
  const auto config = read_config(std::string(kHead) + R"(links:
  - name: shop
    listen: "127.0.0.1:99"
    upstreams: [{name: a, address: "127.0.0.1:1", weight: 3}, {name: b, address: "127.0.0.1:2"}]
    health: {kind: http, path: /healthz, every: 200ms, timeout: 100ms, rise: 3, fall: 1}
    failback: held
    failback_hold: 5s
)",
                                  "agent.yaml");
  REQUIRE(config);
  const LinkConfig& link = config->links.at(0);
  CHECK(link.by_weight);
  CHECK(link.upstreams[0].weight == 3);
  CHECK(link.upstreams[1].weight == 1);
  CHECK(link.health->path == "/healthz");
  CHECK(link.health->fall == 1);
  CHECK(link.failback == "held");
  CHECK(link.failback_hold == 5s);

  const std::string text = mistakes(R"(links:
  - {name: a, listen: "127.0.0.1:9", upstreams: [{name: a, address: "127.0.0.1:1", weight: 1001}]}
  - {name: b, listen: "127.0.0.1:8", upstreams: [{name: a, address: "127.0.0.1:1", weight: 0}]}
  - {name: c, listen: "127.0.0.1:7", upstreams: [{name: a, address: "127.0.0.1:1"}],
     failback: at_once}
  - {name: d, listen: "127.0.0.1:6", upstreams: [{name: a, address: "[::1]:1"}],
     health: {kind: tpc}}
)");
  CHECK_THAT(text, Catch::Contains("links[0].upstreams[0].weight must be from 0 to 1000"));
  CHECK_THAT(text, Catch::Contains("links[1].upstreams one weight at least must be above 0"));
  CHECK_THAT(text, Catch::Contains("links[2].failback needs a `health`"));
  CHECK_THAT(
      text, Catch::Contains("must have an IPv4 address") && Catch::Contains("did you mean `tcp`?"));
}

TEST_CASE("services that wait for each other are refused") {
  CHECK_THAT(mistakes(R"(services:
  - {name: a, command: [a], after: [b]}
  - {name: b, command: [b], after: [a]}
)"),
             Catch::Contains("would wait for itself for ever"));
}

TEST_CASE("a pause before a restart that is above its bound is refused") {
  const auto config = read_config(
      "node: a\naddress: 127.0.0.1\nstate: /nowhere\nservices:\n"
      "  - {name: s, argv: [/bin/true], restart: {backoff: 10s, backoff_max: 1s}}\n",
      "agent.yaml");
  REQUIRE_FALSE(config);
  CHECK(config.error().message.find("restart.backoff is above `backoff_max` (10s > 1s)") !=
        std::string::npos);
}

TEST_CASE("what would collide is refused") {
  CHECK_THAT(mistakes("services: [{name: a, command: [a]}, {name: a, command: [a]}]\n"),
             Catch::Contains("is there twice"));
  CHECK_THAT(mistakes(R"(services: [{name: a, command: [a]}]
probes: [{name: a, service: a, kind: process}]
)"),
             Catch::Contains("signal `a.up`"));
}

TEST_CASE("addresses are IPv4 and complete, and a timeout is no longer than its interval") {
  const auto probe = [](const std::string& rest) {
    return mistakes("services: [{name: a, command: [a]}]\nprobes: [{name: p, service: a, " + rest +
                    "}]\n");
  };
  CHECK(probe("kind: tcp, address: \"localhost:80\"").empty());
  CHECK_THAT(probe("kind: tcp, address: \"example.org:80\""), Catch::Contains("IPv4"));
  CHECK_THAT(probe("kind: tcp, address: \"127.0.0.1\""), Catch::Contains("127.0.0.1:8080"));
  CHECK_THAT(probe("kind: http, url: \"ftp://127.0.0.1/\""), Catch::Contains("http://"));
  CHECK_THAT(probe("kind: http, url: \"http://127.0.0.1/\", authority: ca.pem"),
             Catch::Contains("is for https:// alone"));
  CHECK_THAT(probe("kind: http, url: \"https://127.0.0.1/\", unchecked: true, server_name: a"),
             Catch::Contains("leave out"));
  CHECK_THAT(probe("kind: http, url: \"https://127.0.0.1/\", server_name: \"a b\""),
             Catch::Contains("as the certificate has it"));
  CHECK_THAT(probe("kind: http, url: \"http://127.0.0.1/a b\""), Catch::Contains("http://"));
  CHECK_THAT(probe("kind: tcp, address: \"127.0.0.1:80\", every: 50ms, timeout: 60ms"),
             Catch::Contains("at most `every` (50ms)"));
}

TEST_CASE("the API without a token is off, or on a loopback address") {
  for (const char* good : {"127.0.0.1:8474", "127.9.8.7:1", "[::1]:8474"}) {
    CHECK(mistakes(std::string("toxiproxy: {listen: \"") + good + "\"}\n").empty());
  }
  for (const char* bad : {"0.0.0.0:8474", "10.0.0.1:8474", "localhost:8474", "[::]:8474"}) {
    INFO(bad);
    CHECK_THAT(mistakes(std::string("toxiproxy: {listen: \"") + bad + "\"}\n"),
               Catch::Contains("127.0.0.0/8"));
  }
  CHECK_THAT(mistakes("toxiproxy: {listen: \"127.0.0.1\"}\n"), Catch::Contains("127.0.0.1:8080"));
}

TEST_CASE("what the clients of that API may do is on loopback until more is named") {
  const auto of = [](const std::string& more) {
    const auto config = read_config(cat("node: n\naddress: 127.0.0.1\nport: 1\nstate: s\n"
                                        "toxiproxy: {listen: \"127.0.0.1:8474\"",
                                        more, "}\n"),
                                    "n.yaml");
    REQUIRE(config);
    return config->toxiproxy->permits;
  };
  const ProxyPermits usual = of("");
  CHECK(usual.why_no_listen("127.3.4.5:20000").empty());
  CHECK(usual.why_no_listen("127.3.4.5:29999").empty());
  CHECK(usual.why_no_listen("[::1]:0").empty());
  for (const char* not_here :
       {"10.0.0.1:9000", "[::]:0", "0.0.0.0:0", "127.0.0.1:19999", "127.0.0.1:30000"}) {
    INFO(not_here);
    CHECK_FALSE(usual.why_no_listen(not_here).empty());
  }
  CHECK(usual.why_no_upstream("127.0.0.1").empty());
  CHECK(usual.why_no_upstream("LocalHost.").empty());
  for (const char* not_there : {"10.0.0.1", "[fd00::1]", "db", "127.0.0.1.example.org", ""}) {
    INFO(not_there);
    CHECK_FALSE(usual.why_no_upstream(not_there).empty());
  }
  CHECK_FALSE(usual.may_call(65'534));
  const ProxyPermits more =
      of(", listen_in: [0.0.0.0/0], port_min: 80, upstreams: [10.0.0.0/8, DB.example], users: "
         "[nobody]");
  CHECK(more.why_no_listen("10.0.0.1:80").empty());
  CHECK(more.why_no_listen("[::]:80").empty());
  CHECK(more.why_no_upstream("10.255.0.1").empty());
  CHECK(more.why_no_upstream("db.example").empty());
  CHECK_FALSE(more.why_no_upstream("127.0.0.1").empty());
  CHECK(more.may_call(65'534));
  CHECK(of(", upstreams: [any], users: [any]").why_no_upstream("anywhere").empty());
  CHECK(of(", port_max: 9000").why_no_listen("127.0.0.1:1024").empty());
  CHECK(of(", port_max: 9000").why_no_listen("127.0.0.1:9001") ==
        "port 9001 is not of the agent's `toxiproxy.port_min` to `port_max`, 1024 to 9000: listen "
        "on one of those, or write others there");
  const auto wrong = [](const std::string& keys) {
    return mistakes(cat("toxiproxy: {listen: \"127.0.0.1:8474\", ", keys, "}\n"));
  };
  CHECK_THAT(wrong("listen_in: [10.0.0.0/33]"), Catch::Contains("must be like 10.0.0.0/8"));
  CHECK_THAT(wrong("upstreams: [\"db:3306\"]"), Catch::Contains("the name of a host"));
  CHECK_THAT(wrong("users: [no-such-user]"), Catch::Contains("is not a user of this machine"));
  CHECK_THAT(wrong("port_min: 0"), Catch::Contains("port_min"));
  CHECK_THAT(wrong("port_min: 9001, port_max: 9000"), Catch::Contains("is above `port_max`"));
}

TEST_CASE("no proxy listens where somebody else of the node is trusted, though nobody is there") {
  const auto config = read_config(R"(node: n
address: 127.0.0.1
port: 1701
state: s
toxiproxy: {listen: "127.0.0.1:8474", port_min: 1, listen_in: [0.0.0.0/0]}
services:
  - name: db
    command: [db]
    ready: {kind: tcp, address: "127.0.0.1:1001"}
    sql: {host: 127.0.0.1, port: 1002, user: root}
  - name: redis
    command: [redis]
    redis: {host: 127.0.0.1, port: 1003}
    load: {url: "http://127.0.0.1:1004/x"}
  - name: queue
    command: [queue]
    nats: {url: "nats://127.0.0.1", monitor: "http://127.0.0.1:1005"}
links:
  - {name: l, listen: "127.0.0.1:1006", upstreams: [{name: a, address: "127.0.0.1:1007"}]}
probes:
  - {name: web, service: db, kind: http, url: "http://127.0.0.1:1008/healthz"}
)",
                                  "n.yaml");
  REQUIRE(config);
  ProxyPermits permits = config->toxiproxy->permits;
  const auto controller = std::make_shared<ControllerPlace>();
  permits.controller = controller;
  CHECK(permits.why_no_listen("127.0.0.1:1700").empty());
  controller->note({"127.0.0.1", 1'700});
  for (const int port :
       {1'700, 1'701, 8'474, 1'001, 1'002, 1'003, 1'004, 1'005, 1'006, 1'007, 1'008, 4'222}) {
    for (const char* host : {"127.0.0.1", "127.9.9.9", "[::]"}) {
      CHECK_THAT(permits.why_no_listen(cat(host, ":", port)), Catch::Contains("is kept for "));
    }
  }
  CHECK_THAT(permits.why_no_listen("127.0.0.1:1701"), Catch::Contains("the agent's own API"));
  CHECK_THAT(permits.why_no_listen("127.0.0.1:1006"), Catch::Contains("link l"));
  CHECK(permits.why_no_listen("127.0.0.1:1009").empty());
}

TEST_CASE(
    "no proxy leads to the API that has no token, which would take its clients for the agent") {
  ProxyPermits permits = ProxyPermits::everything();
  permits.own = {"127.0.0.1", 8'474};
  for (const char* here :
       {"127.0.0.1", "127.7.7.7", "localhost", "", "0.0.0.0", "2130706433", "any.example"}) {
    INFO(here);
    CHECK_THAT(permits.why_no_upstream(here, 8'474), Catch::Contains("this API itself"));
    CHECK(permits.why_no_upstream(here, 8'475).empty());
  }
  CHECK(permits.why_no_upstream("192.0.2.1", 8'474).empty());
}

TEST_CASE("paths are relative to the file that names them") {
  const auto config =
      read_config("node: n\naddress: 127.0.0.1\nport: 1\nstate: state/n\n", "/etc/panshi/n.yaml");
  REQUIRE(config);
  CHECK(config->state == "/etc/panshi/state/n");
}

}  // namespace
}  // namespace panshi::agent
