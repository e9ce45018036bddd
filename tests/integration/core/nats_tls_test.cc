// SPDX-License-Identifier: Apache-2.0
// The promise under test: a NATS server that wants TLS is asked over TLS, and only when its
// certificate is of the configured authority and for its host is it told anything.
#include <catch2/catch.hpp>
#include <fstream>

#include "core/base/text.h"
#include "core/io/nats_requests.h"
#include "tests/integration/core/house.h"
#include "tests/support/child.h"
#include "tests/support/eventually.h"
#include "tests/support/loopback_listener.h"

namespace panshi::house {
namespace {

using namespace std::chrono_literals;

constexpr const char* kQuestion = "$JS.API.INFO";

struct TlsBus {
  explicit TlsBus(const TlsFiles& files) {
    std::ofstream(folder.path() / "nats.conf")
        << "listen: \"127.0.0.1:" << port << "\"\njetstream { store_dir: \""
        << (folder.path() / "js").string() << "\" }\ntls { cert_file: \""
        << files.certificate.string() << "\", key_file: \"" << files.key.string()
        << "\" }\nauthorization { user: chaos, password: right }\n";
    server.emplace(
        std::vector<std::string>{"nats-server", "-c", (folder.path() / "nats.conf").string()},
        folder.path() / "nats.log");
  }
  NatsRequests::Options options(const std::string& authority) const {
    return {.url = cat("nats://127.0.0.1:", port),
            .user = "chaos",
            .password = "right",
            .authority = authority,
            .rules = PasswordRules(),
            .timeout = 3s};
  }

  TemporaryFolder folder;
  const std::uint16_t port = LoopbackListener().port;
  std::optional<Child> server;
};

std::string error_of(const NatsRequests::Options& options) {
  const auto nats = NatsRequests::connect(options);
  REQUIRE_FALSE(nats);
  return nats.error().message;
}

TEST_CASE("a NATS server is asked over TLS when its certificate is of the configured authority") {
  House house;
  const TlsFiles files = house.issue("node/bus");
  const TlsBus bus(files);
  const auto options = bus.options(files.authority.string());
  std::unique_ptr<NatsRequests> nats;
  REQUIRE(eventually([&] {
    if (auto made = NatsRequests::connect(options)) nats = std::move(*made);
    return nats != nullptr;
  }));
  for (int i = 0; i < 3; ++i) {
    const auto answer = nats->request(kQuestion, "");
    REQUIRE(answer);
    CHECK_THAT(*answer, Catch::Contains("io.nats.jetstream.api.v1.account_info_response"));
  }
  // As long as what one record holds, and longer.
  const auto large = nats->request("$JS.API.STREAM.NAMES", std::string(100'000, ' '));
  CHECK(large);

  SECTION("one that wants TLS and is asked without says what to write") {
    CHECK_THAT(error_of(bus.options("")), Catch::Contains("it wants TLS: write `authority: FILE`"));
  }
  SECTION("of another authority it is not believed") {
    House other;
    CHECK_THAT(error_of(bus.options(other.issue("node/bus").authority.string())),
               Catch::Contains("its certificate: "));
  }
  SECTION("by a name that its certificate has not it is not believed") {
    auto by_name = options;
    by_name.url = cat("tls://localhost:", bus.port);
    CHECK_THAT(error_of(by_name), Catch::Contains("its certificate: hostname mismatch"));
  }
  SECTION("an authority that cannot be read is said") {
    CHECK_THAT(error_of(bus.options("/nowhere/ca.crt")),
               Catch::Contains("/nowhere/ca.crt: no certificate in PEM"));
  }
  SECTION("by a wrong account it lets nobody in") {
    auto wrong = options;
    wrong.password = "left";
    const auto refused = NatsRequests::connect(wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kRefused);
    CHECK_THAT(refused.error().message, Catch::Contains("Authorization Violation"));
  }
}

}  // namespace
}  // namespace panshi::house
