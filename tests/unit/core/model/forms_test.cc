// SPDX-License-Identifier: Apache-2.0
// Promise: names are compared as DNS does, methods as HTTP does, lists with or without blanks are
// the same; what stands for an address, a path or a table looks like one.
#include "core/model/forms.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"
#include "core/model/fault_kinds.h"

namespace panshi {
namespace {

TEST_CASE("names of hosts have one spelling, whatever the case, the final dot or the script") {
  const auto names = [](const char* text) { return dns_names(text).value_or("refused"); };
  CHECK(names("") == "");
  CHECK(names("db.example") == "db.example");
  CHECK(names(" DB.Example. ,\tx , *.shop.example") == "db.example,x,shop.example");
  // As idna 3.6 and libidn2 2.3 have them.
  CHECK(names("Bücher.example") == "xn--bcher-kva.example");
  CHECK(names("BÜCHER.EXAMPLE") == "xn--bcher-kva.example");
  CHECK(names("例え.テスト") == "xn--r8jz45g.xn--zckzah");
  CHECK(names("ПРИМЕР.рф") == "xn--e1afmkfd.xn--p1ai");
  CHECK(names("παράδειγμα.gr") == "xn--hxajbheg2az3al.gr");
  CHECK(names("straße.example") == "xn--strae-oqa.example");
  CHECK(names("xn--bcher-kva.example") == "xn--bcher-kva.example");
  for (const char* wrong : {",", "a,,b", "a..b", ".", "a b", "-\xff", "u\xcc\x88.example",
                            "\xef\xbd\x81.example", "*", "a/b"}) {
    INFO(wrong);
    CHECK_FALSE(dns_names(wrong));
  }
  CHECK_FALSE(dns_names(std::string(64, 'a')));
  CHECK(dns_names(std::string(63, 'a')));
}

TEST_CASE("a method is one of HTTP's, which are in capitals") {
  CHECK(http_method(" POST ").value() == "POST");
  CHECK(http_method("").value().empty());
  CHECK(http_method("Purge").value() == "Purge");  // somebody's own: as it is
  CHECK(http_method("post").error().message.find("did you mean `POST`?") != std::string::npos);
  CHECK_FALSE(http_method("GET, POST"));
  CHECK_FALSE(http_method("GET\r\nX:"));
}

TEST_CASE("an address is one address, and what is none says what it is") {
  CHECK(one_address(" 192.0.2.1").value() == "192.0.2.1");
  CHECK(one_address("2001:db8::1").value() == "2001:db8::1");
  CHECK(one_address("10.0.0.0/8").error().message.find("is a network") != std::string::npos);
  CHECK(one_address("10.0.0.1:80").error().message.find("has a port") != std::string::npos);
  CHECK_FALSE(one_address("[::1]:80"));
  CHECK_FALSE(one_address("10.0.0"));
  CHECK_FALSE(one_address(""));
  CHECK(address_or_nothing(" ").value().empty());
}

TEST_CASE("a list is the same with blanks around its commas") {
  CHECK(comma_list("a,b") == comma_list(" a , b\t"));
  CHECK(comma_list("a,,b") == std::vector<std::string>{"a", "", "b"});
}

TEST_CASE("a duration that is no number is none") {
  for (const char* text : {"nans", "nan s", "infs", "-1s", "s", "1e3s"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
    CHECK_FALSE(parse_size(text));
  }
}

TEST_CASE("what was measured shows an effect as the row of its kind says") {
  using Json = nlohmann::json;
  const auto shows = [](const char* kind, const Json& measured) {
    return shows_effect(*find_fault_kind(kind), measured);
  };
  CHECK(shows("process.pause", {{"processes", 2}, {"stopped", 1}}));
  CHECK_FALSE(shows("process.pause", {{"processes", 2}, {"stopped", 0}}));
  CHECK_FALSE(shows("process.pause", Json::object()));
  CHECK_FALSE(shows("process.pause", nullptr));
  CHECK(shows("process.exit-code", {{"gone", 0}, {"starts", 3}}));
  CHECK(shows("redis.replication-break", {{"linked", false}}));
  CHECK_FALSE(shows("redis.replication-break", {{"linked", true}}));
  CHECK_FALSE(shows("redis.replication-break", Json::object()));
  CHECK(shows("network.delay", {{"effects", {{{"measured", 90}, {"met", false}}}}}));
  CHECK(shows("file.permission", {{"effects", {{{"measured", 0}, {"met", true}}}}}));
  CHECK_FALSE(shows("network.delay", {{"effects", {{{"measured", 0}, {"met", false}}}}}));
  CHECK_FALSE(shows("network.delay", {{"unmeasured", "it is being looked at"}}));
  for (const FaultKindSpec& kind : fault_kind_specs()) CHECK(*kind.shown_by != '\0');
}

}  // namespace
}  // namespace panshi
