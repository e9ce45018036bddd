// SPDX-License-Identifier: Apache-2.0
// Promise: a token gets in with its role's rights until its end and not a moment longer, nothing
// changes without a line in the audit log, and a line that was changed, removed or put in shows.
#include "core/access/access.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "tests/support/secret_file.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

const WallTime kNow = WallTime(1'764'000'000s);

TEST_CASE("each role has what the ones before it have, and an operator may always stop things") {
  Rights before = 0;
  for (const RoleRow& row : role_rows()) {
    INFO(row.name);
    CHECK((row.rights & before) == before);
    CHECK(row.rights != before);
    before = row.rights;
  }
  CHECK(before == kAllRights);
  CHECK(rights_of_role("viewer").value() == kRead);
  CHECK((rights_of_role("operator").value() & (kHalt | kRevert)) == (kHalt | kRevert));
  CHECK((rights_of_role("operator").value() & (kInject | kAdmin)) == 0);
  CHECK(rights_of_role("oprator").error().message.find("did you mean `operator`") !=
        std::string::npos);
  CHECK(roles_with(kInject) == "author, admin");
}

struct Book {
  TemporaryFolder folder;
  fs::path file = folder.path() / "tokens.json";
  std::unique_ptr<TokenBook> book = TokenBook::open(file).value();

  std::string make(Token token) { return book->make(std::move(token), kNow).value(); }
  std::string why_not(Token token) { return book->make(std::move(token), kNow).error().message; }
};

TEST_CASE("a token is good until its end, with no more than its role") {
  Book tokens;
  const std::string text = tokens.make({.name = "ci", .role = "operator", .until = kNow + 1h});
  const auto found = tokens.book->find(text, kNow + 1h - 1us);
  REQUIRE(found);
  CHECK(found->name == "ci");
  CHECK(found->rights() == rights_of_role("operator").value());
  CHECK_FALSE(tokens.book->find(text, kNow + 1h));
  for (std::string wrong :
       {std::string(), std::string("ci"), text + "0", text.substr(1), "x" + text}) {
    CHECK_FALSE(tokens.book->find(wrong, kNow));
  }
  const std::string small = tokens.make(
      {.name = "stop", .role = "admin", .only = {"halt", "revert"}, .until = kNow + 1h});
  CHECK(tokens.book->find(small, kNow)->rights() == (kHalt | kRevert));
}

TEST_CASE("tokens outlive the program, and their file tells nobody what they are") {
  Book tokens;
  const std::string text = tokens.make({.name = "ci", .role = "viewer", .until = kNow + 1h});
  struct stat there {};
  REQUIRE(::stat(tokens.file.c_str(), &there) == 0);
  CHECK((there.st_mode & 0777) == 0600);
  CHECK(read_file(tokens.file)->find(text.substr(3)) == std::string::npos);
  const auto again = TokenBook::open(tokens.file).value();
  CHECK(again->find(text, kNow));
  REQUIRE(again->revoke("ci"));
  CHECK_FALSE(again->find(text, kNow));
  CHECK(again->revoke("ci").error().code == ErrorCode::kNotFound);
  CHECK_FALSE(TokenBook::open(tokens.file).value()->find(text, kNow));

  REQUIRE(::chmod(tokens.file.c_str(), 0640) == 0);
  CHECK(TokenBook::open(tokens.file).error().code == ErrorCode::kRefused);
  REQUIRE(write_file_durably(tokens.file, "{\"tokens\": [{\"name\": 7}]}", 0600));
  CHECK(TokenBook::open(tokens.file).error().message.find("tokens.json") != std::string::npos);
}

TEST_CASE("a token that means nothing is refused with what was expected") {
  Book tokens;
  CHECK(tokens.why_not({.name = "a.b", .role = "viewer", .until = kNow + 1h}).find("dot") !=
        std::string::npos);
  CHECK(tokens.why_not({.name = "", .role = "viewer", .until = kNow + 1h}).find("is not a name") !=
        std::string::npos);
  CHECK(tokens.why_not({.name = "a", .role = "root", .until = kNow + 1h}).find("roles: viewer") !=
        std::string::npos);
  CHECK(tokens.why_not({.name = "a", .role = "viewer", .only = {"halt"}, .until = kNow + 1h}) ==
        "role viewer does not have halt");
  CHECK(tokens.why_not({.name = "a", .role = "viewer", .only = {"hal"}, .until = kNow + 1h})
            .find("did you mean `halt`") != std::string::npos);
  for (const WallTime until : {kNow, kNow - 1s, kNow + 400 * 24h}) {
    CHECK(tokens.why_not({.name = "a", .role = "viewer", .until = until}).find("at most a year") !=
          std::string::npos);
  }
  tokens.make({.name = "a", .role = "viewer", .until = kNow + 1h});
  CHECK(tokens.book->make({.name = "a", .role = "viewer", .until = kNow + 2h}, kNow).error().code ==
        ErrorCode::kConflict);
  // One that is over makes room for the next of its name.
  CHECK(tokens.book->make({.name = "a", .role = "viewer", .until = kNow + 3h}, kNow + 2h));
}

struct Log {
  TemporaryFolder folder;
  std::unique_ptr<AuditLog> log = AuditLog::open(folder.path()).value();

  void write(const std::string& what, const std::string& refused = {}, Duration after = {}) {
    REQUIRE(log->write({.who = "uid 0", .from = "127.0.0.1", .what = what, .refused = refused},
                       kNow + after));
  }
  Lines lines() const { return log->read(0, 100'000).value(); }
};

Lines problems_of(const Lines& lines) {
  AuditVerifier verifier;
  for (const std::string& line : lines) verifier.take(line);
  return verifier.problems();
}

TEST_CASE("whatever is done to a line of the audit log shows") {
  Log audit;
  for (int i = 0; i < 6; ++i) audit.write(cat("POST /", i));
  const Lines good = audit.lines();
  REQUIRE(good.size() == 6);
  CHECK(problems_of(good).empty());

  Lines changed = good;
  changed[2].replace(changed[2].find("uid 0"), 5, "uid 9");
  CHECK(problems_of(changed) == Lines{"line 3 (number 3) was changed"});
  Lines removed = good;
  removed.erase(removed.begin() + 2);
  CHECK(problems_of(removed) == Lines{"line 3: number 4 follows 2; lines were removed"});
  Lines doubled = good;
  doubled.insert(doubled.begin() + 2, good[1]);
  CHECK(problems_of(doubled).front() == "line 3: number 2 follows 2; lines were put in");
  Lines swapped = good;
  std::swap(swapped[2], swapped[3]);
  CHECK_FALSE(problems_of(swapped).empty());
  // Somebody who knows how the chain is made, and makes one line anew.
  Log other;
  for (int i = 0; i < 6; ++i) other.write(i == 2 ? "POST /forged" : cat("POST /", i));
  Lines forged = good;
  forged[2] = other.lines()[2];
  CHECK(problems_of(forged) ==
        Lines{"line 4 (number 4) does not follow the line before it, which was replaced"});
  CHECK(problems_of({"{}", "nonsense", ""}).size() == 3);

  // A cut end, and a chain that was made anew from some line on, show against a head noted before.
  AuditVerifier whole;
  for (const std::string& line : good) whole.take(line);
  for (const Lines& lines : {good, Lines(good.begin(), good.end() - 1), other.lines()}) {
    AuditVerifier verifier;
    verifier.look_for(whole.head());
    for (const std::string& line : lines) verifier.take(line);
    CHECK(verifier.problems().empty());
    CHECK(verifier.found() == (lines == good));
  }
}

TEST_CASE("the chain goes on over restarts, and over a line that a full disk cut off") {
  const TemporaryFolder folder;
  const auto write = [&] {
    REQUIRE(AuditLog::open(folder.path()).value()->write({.what = "POST /x"}, kNow));
  };
  write();
  write();
  std::ofstream(folder.path() / "audit.log", std::ios::app) << "{\"n\": 3, \"who\": \"ui";
  write();
  const Lines lines = AuditLog::open(folder.path()).value()->read(0, 10).value();
  CHECK(lines.size() == 3);
  CHECK(problems_of(lines).empty());
  struct stat there {};
  REQUIRE(::stat((folder.path() / "audit.log").c_str(), &there) == 0);
  CHECK((there.st_mode & 0777) == 0600);
}

TEST_CASE("the log goes on in another file when one is full, and is read over all of them") {
  Log audit;
  audit.log = AuditLog::open(audit.folder.path(), 2'000).value();
  int count = 0;
  while (!fs::exists(audit.folder.path() / "audit.log.3")) {
    REQUIRE(++count < 1'000);
    audit.write("POST /x");
  }
  audit.write("POST /last");
  const Lines lines = audit.lines();
  CHECK(lines.size() == static_cast<std::size_t>(count) + 1);
  CHECK(problems_of(lines).empty());
  CHECK(audit.log->read(count - 1, 1).value().size() == 1);
  // Also for the next program.
  CHECK(AuditLog::open(audit.folder.path()).value()->write({.what = "POST /after"}, kNow));
  CHECK(problems_of(audit.lines()).empty());
}

TEST_CASE("secrets are struck out, what is long is cut, and nothing does a thing to a terminal") {
  Log audit;
  REQUIRE(audit.log->write({.who = "x\x1b[2J\xc2\x9b\xe2\x80\xae",
                            .what = "POST /x",
                            .body = {{"password", "hunter2"},
                                     {"list", {{{"api_token", "hunter3"}, {"name", "n"}}}},
                                     {"long", std::string(5'000, 'y')}}},
                           kNow));
  const std::string line = audit.lines().front();
  CHECK(line.find("hunter") == std::string::npos);
  CHECK(line.size() < 4'000);
  for (const char c : line) CHECK((c >= ' ' && c < 0x7f));
  CHECK(problems_of({line}).empty());
}

TEST_CASE("a log that somebody removed or wrote into goes on where it was") {
  Log audit;
  audit.write("POST /1");
  audit.write("POST /2");
  fs::remove(audit.folder.path() / "audit.log");
  audit.write("POST /3");
  REQUIRE(audit.lines().size() == 1);
  fs::rename(audit.folder.path() / "audit.log", audit.folder.path() / "elsewhere");
  audit.write("POST /4");
  REQUIRE(audit.lines().size() == 1);
  CHECK(audit.lines().front().find("\"n\":4") != std::string::npos);
  std::ofstream(audit.folder.path() / "audit.log", std::ios::app) << "junk\n";
  audit.log = AuditLog::open(audit.folder.path()).value();
  audit.write("POST /5");
  CHECK(audit.lines().back().find("\"n\":5") != std::string::npos);
  CHECK_FALSE(problems_of(audit.lines()).empty());
}

TEST_CASE("pages of the log leave out no line that somebody wrote between them") {
  Log audit;
  for (int i = 0; i < 4; ++i) audit.write(cat("POST /", i));
  Lines lines = audit.lines();
  for (std::size_t junk = 0; junk <= 4; ++junk) {
    Lines put_in = lines;
    put_in.insert(put_in.begin() + static_cast<std::ptrdiff_t>(junk), {"junk", "{}"});
    std::ofstream(audit.folder.path() / "audit.log") << join(put_in, "\n") << "\n";
    for (const std::size_t limit : {1U, 2U, 3U, 4U, 5U}) {
      INFO(junk << " " << limit);
      Lines read;
      std::int64_t after = 0;
      while (true) {
        const Lines page = audit.log->read(after, limit).value();
        read.insert(read.end(), page.begin(), page.end());
        if (page.size() < limit || audit_number(page.back()) == 0) break;
        after = audit_number(page.back());
      }
      CHECK(read == put_in);
    }
  }
}

TEST_CASE("a flood of refused calls is counted, and drowns nothing") {
  Log audit;
  for (int i = 0; i < 1'000; ++i) audit.write("PUT /x", "no");
  audit.write("POST /real");
  const Lines lines = audit.lines();
  REQUIRE(lines.size() == AuditLog::kRefusedPerSecond + 1);
  CHECK(lines.back().find("\"more\":980") != std::string::npos);
  audit.write("PUT /x", "no", 1s);
  CHECK(audit.lines().size() == lines.size() + 1);
}

TEST_CASE("a clock that is set back takes no refusal out of the audit log") {
  Log audit;
  audit.write("PUT /x", "no", 2h);
  audit.write("PUT /x", "no");
  CHECK(audit.lines().size() == 2);
}

TEST_CASE("a flood that lasts pushes no line out soon: for long one a second of it is written") {
  Log audit;
  constexpr int kSeconds = 600;
  for (int second = 0; second < kSeconds; ++second) {
    for (int i = 0; i < 25; ++i) audit.write("PUT /x", "no", std::chrono::seconds(second));
  }
  const auto written = static_cast<double>(audit.lines().size());
  CHECK(written >= AuditLog::kRefusedAtOnce);
  CHECK(written <= AuditLog::kRefusedAtOnce + AuditLog::kRefusedForLong * kSeconds + 1);
}

struct Door {
  TemporaryFolder folder;
  std::shared_ptr<TokenBook> book = TokenBook::open(folder.path() / "tokens.json").value();
  std::shared_ptr<AuditLog> audit = AuditLog::open(folder.path()).value();
  Access access{{.tokens = {{"controller.token", "s3cret", kAllRights}},
                 .certificates = {{"user/alice", kRead | kHalt}, {"controller", kAllRights}}},
                book,
                audit};

  HttpCaller who(const std::string& peer, const std::string& authorization) const {
    HttpRequest head;
    head.peer = peer;
    if (!authorization.empty()) head.headers["authorization"] = authorization;
    return access.identify(head, !authorization.empty());
  }
};

TEST_CASE("who calls is known by token, certificate or process, and by nothing else") {
  Door door;
  const std::string ci =
      door.book->make({.name = "ci", .role = "viewer", .until = wall_now() + 1h}, wall_now())
          .value();
  CHECK(door.who("", "Bearer s3cret").who == "controller.token");
  CHECK(door.who("", "Bearer " + ci).who == "token ci");
  CHECK(door.who("", "Bearer " + ci).rights == kRead);
  CHECK(door.who("user/alice", "").rights == (kRead | kHalt));
  CHECK(door.who("controller/main", "").rights == kAllRights);
  for (const char* peer : {"", "user/bob", "user", "node/n-1", "alice", "user/alice/x"}) {
    INFO(peer);
    CHECK(door.who(peer, "").rights == 0);
    CHECK(door.who(peer, "Bearer wrong").rights == 0);
    CHECK(door.who(peer, "Basic s3cret").rights == 0);
    CHECK(door.who(peer, "").who == peer);  // for the log
  }
  CHECK(door.who("", "bearer s3cret").who == "controller.token");
  CHECK(door.access.lacks({"token ci", kHalt, true}, kOperate).find("limited to halt") !=
        std::string::npos);
  // A token counts for more than the certificate that it came with.
  CHECK(door.who("user/alice", "Bearer s3cret").who == "controller.token");
  HttpRequest local;
  local.uid = 1000;
  CHECK(door.access.identify(local, false).who == "uid 1000");
  CHECK(door.access.lacks({"token ci", kRead}, kInject).find("author, admin") != std::string::npos);
}

TEST_CASE("what a stranger sends takes little room in the log, and secrets in it are struck out") {
  Door door;
  REQUIRE(secret_in(door.folder.path(), "hunter2-abc-0123456789", "one").read());
  HttpRequest request;
  request.method = "GET";
  request.path = "/hunter2-abc-0123456789/" + std::string(8'000, '\x01');
  door.access.on_refused(request, {});
  request.path = "/" + std::string(195, 'x') + "/hunter2-abc-0123456789";  // where it is cut
  door.access.on_refused(request, error_response({ErrorCode::kInvalid, "hunter2-abc-0123456789"}));
  request.path = "/x";
  request.body = R"({"reason":"it is hunter2-abc-0123456789","api_key":"k"})";
  REQUIRE(door.access.on_change(request, kHalt));
  const Lines lines = door.audit->read(0, 10).value();
  CHECK(lines.size() == 3);
  for (const std::string& line : lines) {
    CHECK(line.size() < 1'000);
    CHECK(line.find("hunt") == std::string::npos);
    CHECK(line.find("\"k\"") == std::string::npos);
  }
}

TEST_CASE("nobody turns the log over by changing much, and nobody is kept from ending faults") {
  Door door;
  HttpRequest request;
  request.method = "POST";
  request.path = "/api/v1/resume";
  const auto taken = [&](const std::string& who, Rights rights, int tries) {
    request.caller.who = who;
    int done = 0;
    for (int i = 0; i < tries; ++i) done += door.access.on_change(request, rights) ? 1 : 0;
    return done;
  };
  const int of_alice = taken("user/alice", kOperate, 5'000);
  CHECK(of_alice >= 200);
  CHECK(of_alice < 2'500);  // whatever this machine does meanwhile
  CHECK(door.access.on_change(request, kOperate).error().message.find("user/alice") !=
        std::string::npos);
  CHECK(taken("user/bob", kOperate, 100) == 100);
  CHECK(taken("controller/main", kOperate, 1'000) == 1'000);
  const std::size_t before = door.audit->read(0, 100'000).value().size();
  CHECK(taken("user/alice", kHalt, 1'000) == 1'000);
  const std::size_t lines = door.audit->read(0, 100'000).value().size() - before;
  CHECK(lines > 0);
  CHECK(lines < 500);  // the others are counted
}

TEST_CASE("a flood of strangers takes no line from somebody who is known") {
  Log audit;
  for (int i = 0; i < 1'000; ++i) {
    REQUIRE(audit.log->write({.who = "", .what = "GET /x", .refused = "no"}, kNow));
    if (i % 100 != 0) continue;
    CHECK(audit.log->write({.who = "token eve", .what = "POST /halt", .refused = "no"}, kNow)
              .value());
  }
}

TEST_CASE("a named pipe in the place of the audit log holds nobody up") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder.path() / "audit.log").c_str(), 0600) == 0);
  CHECK_FALSE(AuditLog::open(folder.path()));
  const int reader = ::open((folder.path() / "audit.log").c_str(), O_RDONLY | O_NONBLOCK);
  const auto opened = AuditLog::open(folder.path());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.find("is not a regular file") != std::string::npos);
  ::close(reader);
}

TEST_CASE("what cannot be written down is not done, but what ends faults is") {
  Door door;
  HttpRequest request;
  request.method = "POST";
  request.path = "/x";
  CHECK(door.access.on_change(request, kOperate));
  CHECK(door.audit->read(0, 10).value().size() == 1);
  // Its file is full: nothing more can be written.
  door.audit = nullptr;
  Access full({}, nullptr, AuditLog::open(door.folder.path()).value());
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit none{1, before.rlim_max};
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &none) == 0);
  const Status operate = full.on_change(request, kOperate);
  const Status halt = full.on_change(request, kHalt);
  const Status revert = full.on_change(request, kRevert);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  ::signal(SIGXFSZ, ignored);
  CHECK_FALSE(operate);
  CHECK(halt);
  CHECK(revert);
  CHECK(full.on_change(request, kOperate));
}

}  // namespace
}  // namespace panshi
