// SPDX-License-Identifier: Apache-2.0
// The servers that HttpServer can be, for tests that hold for each: TEMPLATE_TEST_CASE("…", "",
// PANSHI_HTTP_KINDS).
#pragma once

#include "core/io/http_server.h"
#include "core/io/tls.h"
#include "core/pki/authority.h"
#include "platform/http/beast_reader.h"
#include "tests/support/raw_connection.h"
#include "tests/support/temporary_folder.h"

namespace panshi {

struct LibraryHttp {
  static HttpServer::Options with(HttpServer::Options options) {
    RawConnection::speak_tls(false);
    return options;
  }
  static std::shared_ptr<const TlsFiles> files() { return nullptr; }  // for its clients
};
struct LibraryHttps {
  static HttpServer::Options with(HttpServer::Options options) {
    static const std::shared_ptr<Tls> kTls = Tls::load(*files(), wall_now()).value();
    RawConnection::speak_tls(true);
    options.tls = kTls;
    return options;
  }
  static std::shared_ptr<const TlsFiles> files() {
    static const TemporaryFolder kFolder;
    static const auto kFiles = [] {
      auto authority = Authority::create(kFolder / "tls", wall_now()).value();
      (void)authority.issue({"node", "n-1", {"127.0.0.1"}}, wall_now()).value();
      return std::make_shared<const TlsFiles>(authority.files_of("node/n-1"));
    }();
    return kFiles;
  }
};
struct BeastHttp {
  static HttpServer::Options with(HttpServer::Options options) {
    RawConnection::speak_tls(false);
    options.reader = beast_reader;
    return options;
  }
  static std::shared_ptr<const TlsFiles> files() { return nullptr; }
};
struct BeastHttps {
  static HttpServer::Options with(HttpServer::Options options) {
    options = LibraryHttps::with(std::move(options));
    options.reader = beast_reader;
    return options;
  }
  static std::shared_ptr<const TlsFiles> files() { return LibraryHttps::files(); }
};
#define PANSHI_HTTP_KINDS LibraryHttp, LibraryHttps, BeastHttp, BeastHttps

}  // namespace panshi
