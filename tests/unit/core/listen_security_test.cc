// SPDX-License-Identifier: Apache-2.0
// Promise: beyond its own host a program is served over TLS, or somebody wrote that it is not, and
// that is known of it.
#include "core/io/listen_security.h"

#include <catch2/catch.hpp>

namespace panshi {
namespace {

TEST_CASE("what is loopback is nobody else's network") {
  for (const char* ours : {"127.0.0.1", "127.9.8.7", "::1", "localhost"}) CHECK(is_loopback(ours));
  for (const char* other : {"0.0.0.0", "::", "10.0.0.1", "126.1.1.1", "::ffff:10.0.0.1", "host"}) {
    CHECK_FALSE(is_loopback(other));
  }
}

TEST_CASE("an address of others wants TLS, or a word") {
  const auto read = [](const nlohmann::json& json, Problems& problems) {
    Fields in(json, "", problems);
    return read_listen_security(in, "/etc/panshi", "10.0.0.1");
  };
  Problems plain;
  (void)read(nlohmann::json::object(), plain);
  CHECK_FALSE(plain.empty());
  Problems word;
  const ListenSecurity insecure = read({{"insecure", true}}, word);
  CHECK(word.empty());
  CHECK(is_insecure(insecure, "10.0.0.1"));
  CHECK_FALSE(is_insecure(insecure, "127.0.0.1"));
  Problems good;
  const ListenSecurity secure =
      read({{"tls", {{"certificate", "a"}, {"key", "/b"}, {"authority", "c"}}}}, good);
  CHECK(good.empty());
  CHECK_FALSE(is_insecure(secure, "10.0.0.1"));
  CHECK(secure.tls->certificate == "/etc/panshi/a");
  CHECK(secure.tls->key == "/b");
}

}  // namespace
}  // namespace panshi
