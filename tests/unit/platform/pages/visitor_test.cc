// SPDX-License-Identifier: Apache-2.0
// Promise: a visitor stays who he is, in his language; a forged or broken cookie makes him a new
// one.
#include "platform/storefront/pages/visitor.h"

#include <catch2/catch.hpp>

using namespace panshi::shop;

namespace {

const std::string kHex(64, '7');
const std::string kKey = "the shop's";

Visitor visit(const std::string& cookie, const std::string& lang = "",
              const std::string& accepts = "", bool over_tls = false,
              const std::string& key = kKey) {
  return read_visitor({.key = key,
                       .cookie = cookie,
                       .lang = lang,
                       .accept_language = accepts,
                       .random_hex = kHex,
                       .over_tls = over_tls});
}

std::string cookie_of(const Visitor& visitor) { return "user=" + visitor.session; }

}  // namespace

TEST_CASE("a new visitor gets a user of 18 digits, in a cookie that no script reads") {
  const Visitor visitor = visit("");
  CHECK(visitor.is_new);
  CHECK(visitor.user.size() == 20);
  CHECK(visitor.user.find_first_not_of("0123456789", 2) == std::string::npos);
  const auto cookies = cookies_of(visitor);
  REQUIRE(cookies.size() == 1);
  CHECK(cookies[0].starts_with(cookie_of(visitor) + ";"));
  CHECK(visitor.token.size() == 32);
  CHECK(cookies[0].find("HttpOnly; SameSite=Lax") != std::string::npos);
}

TEST_CASE("cookies that came over an encrypted connection go back over no other") {
  for (const std::string& cookie : cookies_of(visit("", "en", "", true))) {
    CHECK(cookie.find("; HttpOnly; SameSite=Lax; Secure") != std::string::npos);
  }
  for (const std::string& cookie : cookies_of(visit("", "en"))) {
    CHECK(cookie.find("Secure") == std::string::npos);
  }
}

TEST_CASE("a visitor who comes again is the same, with the same forms, and is told nothing new") {
  const Visitor first = visit("");
  const Visitor visitor = visit(cookie_of(first));
  CHECK_FALSE(visitor.is_new);
  CHECK(visitor.user == first.user);
  CHECK(visitor.token == first.token);
  CHECK(cookies_of(visitor).empty());
}

TEST_CASE("a user that the shop did not choose is not believed, whoever signed it") {
  const Visitor ours = visit("");
  const Visitor other = visit("", "", "", false, "another shop's");
  const std::string user = "u-123456789012345678";
  const std::string signature = ours.session.substr(ours.session.find('.') + 1);
  for (const std::string& cookie :
       {std::string("user=u-1"), "user=" + user, "user=" + user + ".",
        "user=" + user + "." + signature, cookie_of(other), cookie_of(ours) + "0",
        "user=" + ours.user + "." + ours.token, "user=u-<script>." + signature,
        cookie_of(ours) + "; x=" + std::string(5'000, 'x')}) {
    INFO(cookie);
    const Visitor visitor = visit(cookie);
    CHECK(visitor.is_new);
    CHECK(visitor.user == ours.user);  // a new one, of the same chance here
    CHECK(cookies_of(visitor).size() == 1);
  }
  // A form of one is worth nothing to another.
  CHECK(ours.token != other.token);
}

TEST_CASE(
    "the language is that of the link, else of the cookie, else the browser's, else Chinese") {
  CHECK(visit("", "en", "zh").language == Language::kEnglish);
  CHECK(visit("lang=en", "", "zh").language == Language::kEnglish);
  CHECK(visit("", "", "fr,en-GB;q=0.8,zh;q=0.5").language == Language::kEnglish);
  CHECK(visit("", "", "en;q=0.3,zh-TW;q=0.9").language == Language::kChinese);
  CHECK(visit("", "xx", "fr").language == Language::kChinese);
  CHECK(cookies_of(visit("", "en")).back().find("lang=en;") == 0);
}

TEST_CASE("the browser remembers the ten newest orders, and forgets what is not one") {
  Visitor visitor =
      visit(cookie_of(visit("")) + "; orders=o-1:game-100:1000~broken~o-2:../x:5~o-3:a:-4");
  REQUIRE(visitor.orders.size() == 1);
  CHECK(visitor.remembered("o-1")->amount_cents == 1'000);
  for (int i = 0; i < 12; ++i) visitor.remember({"n-" + std::to_string(i), "game-100", 5});
  CHECK(visitor.orders.size() == 10);
  CHECK(visitor.orders[0].order == "n-11");
  CHECK(visitor.remembered("o-1") == nullptr);
  const auto cookies = cookies_of(visitor);
  REQUIRE(cookies.size() == 1);
  const std::string value = cookies[0].substr(0, cookies[0].find(';'));
  CHECK(visit(value).orders.size() == 10);
}
