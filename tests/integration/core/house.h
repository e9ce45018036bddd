// SPDX-License-Identifier: Apache-2.0
// An authority with those it signs for, and a server of one of them that says who asked.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/access/access.h"
#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/http_server.h"
#include "core/io/tls.h"
#include "core/pki/authority.h"
#include "tests/support/temporary_folder.h"

namespace panshi::house {

template <class T>
T good(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

// An authority with a node, its controller and a person.
struct House {
  TemporaryFolder folder;
  WallTime now = wall_now();
  Authority authority = good(Authority::create(folder.path() / "tls", now));

  TlsFiles issue(const std::string& peer, Duration valid = Authority::kDefaultValid) {
    Authority::Subject subject = good(Authority::read_subject(peer));
    if (subject.role != "user") subject.names = {"127.0.0.1"};
    auto issued = authority.issue(subject, now, valid);
    if (!issued) issued = authority.renew(peer, now, valid);
    return good(std::move(issued)), authority.files_of(peer);
  }
  std::shared_ptr<const TlsFiles> as(const std::string& peer) {
    return std::make_shared<TlsFiles>(issue(peer));
  }
};

// Says who asked.
struct Node {
  HttpServer server;
  explicit Node(std::shared_ptr<Tls> tls)
      : server({.doorman = std::make_shared<Access>(
                    Access::Options{.tokens = {{"token", "secret", kAllRights}},
                                    .certificates = {{"controller", kAllRights}}},
                    nullptr, nullptr),
                .tls = std::move(tls)}) {
    server.route("GET", "/who",
                 [](const HttpRequest& request) {
                   return json_response(request.peer.empty() ? "nobody" : request.peer);
                 },
                 {kRead});
    REQUIRE(server.start());
  }
  HttpCall call(std::shared_ptr<const TlsFiles> tls, const std::string& path = "/who") const {
    return {.url = cat("https://127.0.0.1:", server.port(), path), .tls = std::move(tls)};
  }
};

}  // namespace panshi::house
