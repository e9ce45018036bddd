// SPDX-License-Identifier: Apache-2.0
// Promise: a server's Unix socket is for its user and root alone, who need no token there; what is
// left of one that died is replaced, and nothing else.
#include "core/io/local_socket.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/http_server.h"
#include "tests/support/skip.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;

// Says whose process asked.
struct Server {
  HttpServer http;
  explicit Server(const fs::path& socket) : http({.token = "secret", .socket = socket}) {
    http.route("GET", "/who", [](const HttpRequest& request) {
      return json_response(request.uid ? cat("uid ", *request.uid) : "somebody");
    });
  }
};

HttpCall call_at(const fs::path& socket) {
  HttpCall call;
  call.url = "http://localhost/who";
  call.unix_socket = socket;
  return call;
}

TEST_CASE("who may open a server's socket needs no token, at its address everybody does") {
  const TemporaryFolder folder;
  const fs::path socket = folder.path() / "s.sock";
  Server server(socket);
  REQUIRE(server.http.start());
  HttpClient client;
  const auto reply = client.send(call_at(socket));
  REQUIRE(reply);
  CHECK(reply->status == 200);
  CHECK(reply->body == cat("\"uid ", ::geteuid(), "\""));
  CHECK_FALSE(client.send(call_at(socket))->connected);  // it is kept
  HttpCall over_tcp;
  over_tcp.url = cat("http://127.0.0.1:", server.http.port(), "/who");
  CHECK(HttpClient().send(over_tcp)->status == 401);
  over_tcp.token = "secret";
  CHECK(HttpClient().send(over_tcp)->body == "\"somebody\"");
}

TEST_CASE("its file is the owner's alone whatever the umask, and goes with the server") {
  const TemporaryFolder folder;
  const fs::path socket = folder.path() / "s.sock";
  {
    Server server(socket);
    const mode_t before = ::umask(0);
    const Status started = server.http.start();
    ::umask(before);
    REQUIRE(started);
    struct stat there {};
    REQUIRE(::stat(socket.c_str(), &there) == 0);
    CHECK((there.st_mode & 07777) == 0600);
  }
  CHECK_FALSE(fs::exists(fs::symlink_status(socket)));
}

TEST_CASE("what a program that died left is replaced, and a file that is not a socket stays") {
  const TemporaryFolder folder;
  const fs::path socket = folder.path() / "s.sock";
  ::close(listen_local(socket).value());  // nobody listens there now
  Server server(socket);
  REQUIRE(server.http.start());
  CHECK(HttpClient().send(call_at(socket)));

  const fs::path file = folder.path() / "file";
  std::ofstream(file) << "precious";
  Server other(file);
  const Status started = other.http.start();
  REQUIRE_FALSE(started);
  CHECK(started.error().code == ErrorCode::kConflict);
  CHECK(fs::file_size(file) == 8);
}

TEST_CASE("a path that is longer than the kernel takes is listened at and reached") {
  const TemporaryFolder folder;
  const fs::path deep = folder.path() / std::string(150, 'd');
  fs::create_directory(deep);
  const fs::path socket = deep / "s.sock";
  Server server(socket);
  REQUIRE(server.http.start());
  CHECK(fs::is_socket(socket));
  CHECK(HttpClient().send(call_at(socket))->status == 200);
}

TEST_CASE("another user gets nothing there, even when the file lets it in") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  const TemporaryFolder folder;
  const fs::path socket = folder.path() / "s.sock";
  Server server(socket);
  REQUIRE(server.http.start());
  REQUIRE(::chmod(socket.c_str(), 0666) == 0);
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) ::_exit(9);
    ::_exit(HttpClient().send(call_at(socket)) ? 1 : 0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(HttpClient().send(call_at(socket)));  // it serves on
}

}  // namespace
}  // namespace panshi
