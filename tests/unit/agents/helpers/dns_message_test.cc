// SPDX-License-Identifier: Apache-2.0
// The promise under test: the resolver of dns faults reads whom a query asks for, whatever comes,
// and breaks the names it was given and no others.
#include "agents/helpers/dns_message.h"

#include <catch2/catch.hpp>

namespace panshi::agent {
namespace {

using namespace std::string_literals;

const std::string kHeader = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;
const std::string kQuery = kHeader + "\x02"s + "Db" + "\x04"s + "shop" + "\x00\x00\x01\x00\x01"s;

TEST_CASE("the name of a query is read in lower case, with its type") {
  const auto question = read_question(kQuery);
  REQUIRE(question);
  CHECK(question->name == "db.shop");
  CHECK(question->type == kTypeA);
  CHECK(question->end == kQuery.size());
}

TEST_CASE("a query that is cut short anywhere, or an answer, is none") {
  for (std::size_t size = 0; size < kQuery.size(); ++size) {
    INFO(size);
    CHECK_FALSE(read_question(kQuery.substr(0, size)));
  }
  std::string answer = kQuery;
  answer[2] = '\x81';
  CHECK_FALSE(read_question(answer));
  CHECK_FALSE(read_question(kHeader + "\xc0\x0c\x00\x01\x00\x01"s));
}

TEST_CASE("an answer repeats the question, with the code or the address") {
  const auto question = read_question(kQuery).value();
  const std::string failed = make_answer(kQuery, question, DnsCode::kNxdomain, "");
  CHECK(failed == "\x12\x34\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00"s + kQuery.substr(12));
  const std::string wrong = make_answer(kQuery, question, DnsCode::kNoError, "\xc0\x00\x02\x01"s);
  CHECK(wrong == "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"s + kQuery.substr(12) +
                     "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04\xc0\x00\x02\x01"s);
}

TEST_CASE("an address of the other family is no answer to the question, but no error either") {
  const auto question = read_question(kQuery).value();
  const std::string none = make_answer(kQuery, question, DnsCode::kNoError, std::string(16, 'x'));
  CHECK(none == "\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00"s + kQuery.substr(12));
}

TEST_CASE("a name is broken with all that is under it, and none that only ends alike") {
  CHECK(is_under("db.shop", {"shop"}));
  CHECK(is_under("shop", {"bank", "shop"}));
  CHECK_FALSE(is_under("workshop", {"shop"}));
  CHECK_FALSE(is_under("shop.test", {"shop"}));
  CHECK(is_under("anything", {}));
}

}  // namespace
}  // namespace panshi::agent
