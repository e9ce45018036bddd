// SPDX-License-Identifier: Apache-2.0
// Promise: over TLS each side knows who the other is, by a certificate of our authority; whoever
// has none, an old, a revoked or somebody else's is told so in words that help, or gets nothing.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>

#include "core/access/access.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/http_client.h"
#include "core/io/http_server.h"
#include "core/io/listen_security.h"
#include "core/pki/authority.h"
#include "tests/integration/core/house.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

using namespace house;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr Duration kDay = 24h;

std::string why(const Result<std::shared_ptr<Tls>>& loaded) {
  return loaded ? "nothing is wrong" : loaded.error().message;
}

TEST_CASE("each side of a connection knows whom the other's certificate names") {
  House house;
  Node node(good(Tls::load(house.issue("node/n-1"), house.now)));
  HttpClient client;
  HttpCall call = node.call(house.as("controller/main"));
  call.server_name = "n-1";
  const auto reply = client.send(call);
  REQUIRE(reply);
  CHECK(reply->status == 200);
  CHECK(reply->body == "\"controller/main\"");
  CHECK_FALSE(client.send(call)->connected);  // it is kept
}

TEST_CASE("a certificate of another role, or none, wants a token") {
  House house;
  Node node(good(Tls::load(house.issue("node/n-1"), house.now)));
  for (const char* peer : {"user/alice", "node/n-2"}) {
    INFO(peer);
    HttpCall call = node.call(house.as(peer));
    HttpClient client;
    CHECK(client.send(call)->status == 401);
    call.token = "secret";
    CHECK(client.send(call)->body == cat("\"", peer, "\""));
  }
  auto nobody = std::make_shared<TlsFiles>();
  nobody->authority = house.issue("user/bob").authority;
  HttpCall call = node.call(nobody);
  HttpClient client;
  CHECK(client.send(call)->status == 401);
  call.token = "secret";
  CHECK(client.send(call)->body == "\"nobody\"");
}

TEST_CASE("a server that is not the one that is asked for gets no byte of a request") {
  House house;
  Node other(good(Tls::load(house.issue("node/n-2"), house.now)));
  House foreign;
  Node stranger(good(Tls::load(foreign.issue("node/n-1"), foreign.now)));
  Node impostor(good(Tls::load(house.issue("user/n-1"), house.now)));
  for (const Node* node : {&other, &stranger, &impostor}) {
    HttpCall call = node->call(house.as("controller/main"));
    call.server_name = "n-1";
    call.token = "secret";
    const auto reply = HttpClient().send(call);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == ErrorCode::kUnavailable);  // surely not acted on
  }
}

TEST_CASE("a foreign, an expired or a revoked certificate is no way in, not even with the token") {
  House house;
  House foreign;
  Node node(good(Tls::load(house.issue("node/n-1"), house.now)));
  const TlsFiles known = house.issue("user/alice");
  TlsFiles stranger = foreign.issue("user/alice");
  stranger.authority = known.authority;
  stranger.revoked.clear();
  House past;
  TlsFiles old = house.issue("user/eve", -1min);
  for (const TlsFiles& files : {stranger, old}) {
    HttpCall call = node.call(std::make_shared<TlsFiles>(files));
    call.token = "secret";
    CHECK_FALSE(HttpClient().send(call));
  }
  HttpCall call = node.call(std::make_shared<TlsFiles>(known));
  call.token = "secret";
  CHECK(HttpClient().send(call));
}

TEST_CASE("files that change are read again, and what is wrong with them changes nothing") {
  House house;
  const TlsFiles files = house.issue("node/n-1");
  const auto tls = good(Tls::load(files, house.now));
  Node node(tls);
  const auto alice = house.as("user/alice");
  HttpCall call = node.call(alice);
  call.token = "secret";
  REQUIRE(HttpClient().send(call));
  CHECK(*tls->refresh(house.now) == false);

  const std::string serial = tls->certificate().serial;
  REQUIRE(house.authority.renew("node/n-1", house.now));
  CHECK(*tls->refresh(house.now) == true);
  CHECK(tls->certificate().serial != serial);
  CHECK(tls->certificate().peer == "node/n-1");
  CHECK(HttpClient().send(call));

  REQUIRE(house.authority.revoke("user/alice", house.now));
  CHECK(HttpClient().send(call));  // nobody has told the node yet
  CHECK(*tls->refresh(house.now) == true);
  CHECK_FALSE(HttpClient().send(call));
  const auto again = house.as("user/alice");
  call.tls = again;
  CHECK(HttpClient().send(call));

  REQUIRE(write_file_durably(files.certificate, "nonsense"));
  CHECK(tls->refresh(house.now).error().message.find("is not a certificate in PEM") !=
        std::string::npos);
  CHECK(HttpClient().send(call));
}

TEST_CASE("whoever is revoked is asked anew who it is, on a connection that is kept") {
  House house;
  const auto tls = good(Tls::load(house.issue("node/n-1"), house.now));
  Node node(tls);
  HttpClient client;
  HttpCall call = node.call(house.as("user/alice"));
  call.token = "secret";
  CHECK(client.send(call)->connected);
  CHECK_FALSE(client.send(call)->connected);
  REQUIRE(house.authority.revoke("user/alice", house.now));
  CHECK(*tls->refresh(house.now) == true);
  (void)client.send(call);  // its last one
  CHECK_FALSE(client.send(call));
}

TEST_CASE("a connection from before a change of what is believed carries no further call") {
  House house;
  Node node(good(Tls::load(house.issue("node/n-1"), house.now)));
  const TlsFiles files = house.issue("controller/main");
  const auto tls = good(Tls::load(files, house.now));
  HttpClient client;
  HttpCall call = node.call(std::make_shared<TlsFiles>(files));
  const auto connected = [&] {
    call.opened_since = tls->changed();
    const auto reply = client.send(call);
    return reply ? std::optional(reply->connected) : std::nullopt;
  };
  CHECK_FALSE(tls->changed());
  CHECK(connected() == true);
  CHECK(connected() == false);
  REQUIRE(house.authority.revoke("node/n-1", house.now));
  REQUIRE(*tls->refresh(house.now));
  REQUIRE(tls->changed());
  CHECK(connected() == std::nullopt);  // whom the other end shows is revoked
}

TEST_CASE("what is wrong with a certificate is said at the start, with what to do") {
  House house;
  const TlsFiles files = house.issue("node/n-1");
  CHECK(why(Tls::load(files, house.now)) == "nothing is wrong");
  CHECK(why(Tls::load(files, house.now + 366 * kDay)).find("expired on ") != std::string::npos);
  CHECK(why(Tls::load(files, house.now + 366 * kDay)).find("panshi tls renew node/n-1") !=
        std::string::npos);
  CHECK(why(Tls::load(files, house.now - kDay)).find("this machine's clock") != std::string::npos);

  TlsFiles wrong = files;
  wrong.key = house.issue("node/n-2").key;
  CHECK(why(Tls::load(wrong, house.now)).find("is not the key of") != std::string::npos);
  wrong = files;
  wrong.authority = House().issue("node/n-1").authority;
  CHECK_FALSE(Tls::load(wrong, house.now));
  House foreign;
  wrong.authority = foreign.authority.files_of("node/n-1").authority;
  wrong.revoked = foreign.authority.files_of("node/n-1").revoked;
  CHECK(why(Tls::load(wrong, house.now)).find("is not signed by") != std::string::npos);
  wrong = files;
  wrong.authority = files.certificate;
  CHECK(why(Tls::load(wrong, house.now)).find("not the certificate of an authority") !=
        std::string::npos);

  wrong = files;
  std::swap(wrong.certificate, wrong.key);
  CHECK(why(Tls::load(wrong, house.now)).find("may have changed places") != std::string::npos);
  wrong = files;
  wrong.certificate = "/nowhere/n-1.crt";
  CHECK(why(Tls::load(wrong, house.now)).find("`panshi tls issue ROLE/NAME` makes it") !=
        std::string::npos);

  REQUIRE(::chmod(files.key.c_str(), 0640) == 0);
  const auto open = Tls::load(files, house.now);
  REQUIRE_FALSE(open);
  CHECK(open.error().code == ErrorCode::kRefused);
  CHECK(open.error().message.find("chmod 600") != std::string::npos);
  REQUIRE(::chmod(files.key.c_str(), 0600) == 0);

  // Whoever may write the list of authorities, or replace it in its folder, is believed.
  const auto folder = files.authority.parent_path();
  for (const auto& path : {files.authority, files.certificate, folder}) {
    struct stat about = {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    REQUIRE(::chmod(path.c_str(), about.st_mode | 0002) == 0);
    INFO(path);
    CHECK(why(Tls::load(files, house.now)).find("may be written by everybody") !=
          std::string::npos);
    REQUIRE(::chmod(path.c_str(), about.st_mode & 07777) == 0);
  }
  CHECK(why(load_tls({.tls = files}, "node/n-1", house.now)) == "nothing is wrong");
  CHECK(why(load_tls({.tls = files}, "node/n-9", house.now))
            .find("is the certificate of node/n-1, and this is node/n-9: panshi tls issue "
                  "node/n-9") != std::string::npos);
  CHECK_FALSE(load_tls({.tls = files}, "controller/", house.now));
  CHECK(load_tls({.tls = house.issue("controller/main")}, "controller/", house.now));

  REQUIRE(house.authority.revoke("node/n-1", house.now));
  CHECK(why(Tls::load(files, house.now)).find("was revoked") != std::string::npos);
}

TEST_CASE("who is revoked is revoked with what was issued before a renewal, too") {
  House house;
  const TlsFiles stolen = house.issue("node/n-1");
  TlsFiles old = stolen;
  for (auto* each : {&old.certificate, &old.key}) {
    *each = house.folder.path() / each->filename();
  }
  std::filesystem::copy_file(stolen.certificate, old.certificate);
  std::filesystem::copy_file(stolen.key, old.key);
  REQUIRE(house.authority.renew("node/n-1", house.now));
  CHECK(why(Tls::load(old, house.now)) == "nothing is wrong");
  REQUIRE(house.authority.revoke("node/n-1", house.now));
  CHECK(why(Tls::load(old, house.now)).find("was revoked") != std::string::npos);
  CHECK(good(house.authority.issued()).size() == 1);
  // Another's certificate over its own is not taken in while it runs.
  const TlsFiles files = house.issue("node/n-2");
  const auto tls = good(Tls::load(files, house.now));
  const TlsFiles others = house.issue("node/n-3");
  constexpr auto kOver = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::copy_file(others.certificate, files.certificate, kOver);
  std::filesystem::copy_file(others.key, files.key, kOver);
  const auto refreshed = tls->refresh(house.now);
  REQUIRE_FALSE(refreshed);
  CHECK(refreshed.error().message.find("node/n-3, and this is node/n-2") != std::string::npos);
  CHECK(tls->certificate().peer == "node/n-2");
}

TEST_CASE(
    "what is issued is not replaced by issuing it again, and ends no later than who signed it") {
  House house;
  const auto issue = [&](const std::string& peer, WallTime now,
                         std::optional<Duration> valid = {}) {
    return house.authority.issue(good(Authority::read_subject(peer)), now, valid);
  };
  REQUIRE(issue("node/n-1", house.now));
  const std::string first = good(house.authority.issued())[0].about.serial;
  const auto again = issue("node/n-1", house.now);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::kConflict);
  CHECK(again.error().message.find("panshi tls renew node/n-1") != std::string::npos);
  CHECK(good(house.authority.issued())[0].about.serial == first);
  CHECK(issue("node/n-1", house.now + 366 * kDay));  // it has expired
  REQUIRE(house.authority.revoke("node/n-1", house.now));
  CHECK(issue("node/n-1", house.now));
  const auto moved = good(house.authority.renew("node/n-1", house.now, {}, {"10.0.0.7"}));
  CHECK(moved.about.names == std::vector<std::string>{"n-1", "10.0.0.7"});

  const WallTime end = house.authority.certificate().until;
  CHECK(good(issue("node/n-2", end - 30 * kDay)).about.until == end);
  const auto too_long = issue("node/n-3", end - 30 * kDay, 31 * kDay);
  REQUIRE_FALSE(too_long);
  CHECK(too_long.error().message.find("panshi tls renew authority") != std::string::npos);
  CHECK_FALSE(issue("node/n-3", end));
  for (const char* name : {"999.1.1.1", "10.0.0", "a.7"}) {
    INFO(name);
    CHECK(house.authority.issue({"node", "n-4", {name}}, house.now).error().code ==
          ErrorCode::kInvalid);
  }
}

TEST_CASE("an authority's end is announced, and with a new one all that it signed stays good") {
  House house;
  TlsFiles before = house.issue("node/n-1");
  const WallTime end = house.authority.certificate().until;
  const WallTime late = end - 20 * kDay;
  const TlsFiles files = house.authority.files_of("node/n-2");
  REQUIRE(house.authority.issue({"node", "n-2"}, end - 40 * kDay));
  const auto tls = good(Tls::load(files, end - 40 * kDay));
  CHECK(tls->warning(end - 40 * kDay).empty());
  CHECK(tls->warning(late).find("ca.crt: expires on") != std::string::npos);
  CHECK(tls->warning(late).ends_with("panshi tls renew authority"));
  CHECK(why(Tls::load(files, end)).find("panshi tls renew") != std::string::npos);

  const std::filesystem::path old = house.folder.path() / "old-ca.crt";
  std::filesystem::copy_file(files.authority, old);
  REQUIRE(house.authority.renew_itself(house.now + 2min));
  CHECK(house.authority.certificate().until > end);
  // Whoever has the old file and whoever has the new one believe each other.
  for (const auto& authority : {old, files.authority}) {
    TlsFiles mixed = before;
    mixed.authority = authority;
    CHECK(why(Tls::load(mixed, house.now)) == "nothing is wrong");
    Node node(good(Tls::load(mixed, house.now)));
    TlsFiles caller = house.issue("user/alice");
    caller.authority = authority == old ? files.authority : old;
    const auto reply = HttpClient().send(node.call(std::make_shared<TlsFiles>(caller)));
    INFO((reply ? "" : reply.error().message));
    CHECK(reply);
  }
}

TEST_CASE(
    "an authority that others may read or change signs nothing, and one bad file hides no other") {
  House house;
  const fs::path folder = house.folder.path() / "tls";
  REQUIRE(house.authority.issue({"node", "n-1"}, house.now));
  REQUIRE(house.authority.issue({"node", "n-2"}, house.now));
  const auto refused = [&](const std::string& said) {
    const auto issued = house.authority.issue({"node", "n-3"}, house.now);
    REQUIRE_FALSE(issued);
    CHECK(issued.error().code == ErrorCode::kRefused);
    CHECK(issued.error().message.find(said) != std::string::npos);
    CHECK_FALSE(house.authority.renew("node/n-1", house.now));
    CHECK_FALSE(house.authority.revoke("node/n-1", house.now));
  };
  fs::permissions(folder / "ca.key", fs::perms(0644));
  refused("chmod 600");
  fs::permissions(folder / "ca.key", fs::perms(0600));
  fs::permissions(folder, fs::perms(0777));
  refused("chmod o-w");
  fs::permissions(folder, fs::perms(0700));
  std::ofstream(folder / "issued/node-n-1.crt") << "";
  const auto all = good(house.authority.issued());
  REQUIRE(all.size() == 2);
  CHECK(all[0].problem.find("node-n-1.crt") != std::string::npos);
  CHECK(all[1].about.peer == "node/n-2");
  CHECK(house.authority.revoke("node/n-1", house.now).error().message.find("node-n-1.crt") !=
        std::string::npos);
  CHECK(house.authority.command("show") == cat("panshi tls show --dir ", folder.string()));
  fs::remove(folder / "revoked.pem");
  CHECK(house.authority.revoke("node/n-2", house.now).error().message.find("put it back") !=
        std::string::npos);
}

TEST_CASE("who expects a controller, or one node, tells nothing to another one of the same name") {
  House house;
  // Its certificate names the host that is called; it is not of whom is expected.
  Node node(good(Tls::load(house.issue("node/n-1"), house.now)));
  HttpCall call = node.call(house.as("user/alice"));
  call.token = "secret";
  for (const char* expected : {"controller/", "node/n-2", "user/n-1"}) {
    INFO(expected);
    call.peer = expected;
    const auto reply = HttpClient().send(call);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == ErrorCode::kUnavailable);  // never sent
    CHECK(reply.error().message.find("is that of node/n-1, and not of ") != std::string::npos);
  }
  for (const char* expected : {"node/n-1", "node/", ""}) {
    INFO(expected);
    call.peer = expected;
    CHECK(HttpClient().send(call));
  }
}

TEST_CASE("whoever is turned away by its certificate stands in the audit log, with the reason") {
  House house;
  const TemporaryFolder folder;
  const std::shared_ptr<AuditLog> audit = AuditLog::open(folder.path()).value();
  const TlsFiles eve = house.issue("user/eve");
  REQUIRE(house.authority.revoke("user/eve", house.now));
  HttpServer server({.doorman = std::make_shared<Access>(Access::Options{}, nullptr, audit),
                     .tls = good(Tls::load(house.issue("node/n-1"), house.now))});
  REQUIRE(server.start());
  HttpCall call{.url = cat("https://127.0.0.1:", server.port(), "/who"),
                .tls = std::make_shared<TlsFiles>(eve)};
  const auto reply = HttpClient().send(call);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().message.find(kCertificateNotAccepted) != std::string::npos);
  REQUIRE(eventually([&] { return !audit->read(0, 10).value().empty(); }));
  const std::string line = audit->read(0, 10).value().front();
  CHECK(line.find("\"who\":\"user/eve\"") != std::string::npos);
  CHECK(line.find("\"from\":\"127.0.0.1\"") != std::string::npos);
  CHECK(line.find("revoked") != std::string::npos);

  // Who signs his own certificate may write any name into it.
  House foreign;
  TlsFiles alice = foreign.issue("user/alice");
  alice.authority = eve.authority;
  alice.revoked.clear();
  call.tls = std::make_shared<TlsFiles>(alice);
  const auto unproven = HttpClient().send(call);
  REQUIRE_FALSE(unproven);
  INFO(unproven.error().message);
  REQUIRE(eventually([&] { return audit->read(0, 10).value().size() > 1; }));
  const std::string other = audit->read(0, 10).value().at(1);
  CHECK(other.find("\"who\":\"user/alice\"") == std::string::npos);
  CHECK(other.find("of `user/alice`") != std::string::npos);
}

TEST_CASE("of several authorities each is believed, and so is who is signed through one between") {
  House house;
  House second;
  const TlsFiles files = house.issue("node/n-1");
  const TlsFiles stranger = second.issue("user/bob");
  TlsFiles both = files;
  both.authority = house.folder.path() / "both.crt";
  both.revoked = house.folder.path() / "both.pem";
  const auto join_files = [](const std::filesystem::path& out, const TlsFiles& a, const TlsFiles& b,
                             std::filesystem::path TlsFiles::*which) {
    REQUIRE(write_file_durably(out, read_file(a.*which).value() + read_file(b.*which).value()));
  };
  join_files(both.authority, files, stranger, &TlsFiles::authority);
  join_files(both.revoked, files, stranger, &TlsFiles::revoked);
  Node node(good(Tls::load(both, house.now)));
  TlsFiles caller = stranger;
  caller.authority = both.authority;
  caller.revoked = both.revoked;
  const auto believed = HttpClient().send(node.call(std::make_shared<TlsFiles>(caller)));
  INFO((believed ? "" : believed.error().message));
  CHECK(believed);
  REQUIRE(second.authority.revoke("user/bob", second.now));
  join_files(both.revoked, files, stranger, &TlsFiles::revoked);
  Node after(good(Tls::load(both, house.now)));
  CHECK_FALSE(HttpClient().send(after.call(std::make_shared<TlsFiles>(caller))));
}

TEST_CASE(
    "plain HTTP on a port for TLS is told so, and TLS on a plain port is answered by nobody") {
  House house;
  Node node(good(Tls::load(house.issue("node/n-1"), house.now)));
  const auto told =
      HttpClient().send({.url = cat("http://127.0.0.1:", node.server.port(), "/who")});
  REQUIRE(told);
  CHECK(told->status == 400);
  CHECK(told->body == "this port speaks TLS: https://");
  Node plain(nullptr);
  CHECK_FALSE(HttpClient().send(plain.call(house.as("user/alice"))));
  HttpCall call = plain.call(nullptr);
  CHECK(HttpClient().send(call).error().code == ErrorCode::kInvalid);  // https without files
}

TEST_CASE("an authority issues, renews and revokes by name, and refuses what is no subject") {
  House house;
  CHECK(Authority::create(house.folder.path() / "tls", house.now).error().code ==
        ErrorCode::kConflict);
  CHECK(Authority::open(house.folder.path() / "none").error().code == ErrorCode::kNotFound);
  for (const char* text : {"n-1", "host/n-1", "node/", "node/a b", "node/../x", "/n-1"}) {
    INFO(text);
    CHECK_FALSE(Authority::read_subject(text));
  }
  CHECK(Authority::read_subject("nod/n-1").error().message.find("did you mean `node`") !=
        std::string::npos);
  Authority::Subject subject = good(Authority::read_subject("node/n-1"));
  subject.names = {"10.0.0.1", "db.example", "::1", "10.0.0.1"};
  REQUIRE(house.authority.issue(subject, house.now));
  const auto first = good(house.authority.issued());
  REQUIRE(first.size() == 1);
  CHECK(first[0].about.names == std::vector<std::string>{"n-1", "10.0.0.1", "::1", "db.example"});
  CHECK_FALSE(first[0].revoked);
  struct stat about = {};
  REQUIRE(::stat(first[0].key.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);

  REQUIRE(house.authority.revoke("node/n-1", house.now));
  REQUIRE(house.authority.revoke("node/n-1", house.now));  // twice is once
  CHECK(good(house.authority.issued())[0].revoked);
  const auto renewed = good(house.authority.renew("node/n-1", house.now));
  CHECK_FALSE(renewed.revoked);
  CHECK(renewed.about.names == first[0].about.names);
  CHECK(house.authority.renew("node/n-9", house.now).error().code == ErrorCode::kNotFound);
  subject.names = {"a,DNS:b"};
  CHECK(house.authority.issue(subject, house.now).error().code == ErrorCode::kInvalid);
  CHECK(house.authority.issue({"user", "bob", {"10.0.0.2"}}, house.now).error().code ==
        ErrorCode::kInvalid);
}

}  // namespace
}  // namespace panshi
