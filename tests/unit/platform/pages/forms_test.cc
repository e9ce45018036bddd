// SPDX-License-Identifier: Apache-2.0
// Promise: a form is read as browsers write it, and what no browser writes is refused.
#include "platform/storefront/pages/forms.h"

#include <catch2/catch.hpp>

using namespace panshi;
using namespace panshi::shop;

TEST_CASE("a form is decoded field by field, the first value of each") {
  const auto form = parse_form("text=%E5%A5%BD+%26+fine&key=k-1&key=k-2&empty=&bare");
  REQUIRE(form);
  CHECK(field(*form, "text") == "好 & fine");
  CHECK(field(*form, "key") == "k-1");
  CHECK(field(*form, "empty").empty());
  CHECK(field(*form, "none").empty());
  CHECK(parse_form("")->empty());
}

TEST_CASE("a broken percent, a NUL and too many fields are refused") {
  CHECK_FALSE(parse_form("a=%4"));
  CHECK_FALSE(parse_form("a=%zz"));
  CHECK_FALSE(parse_form("a=%00"));
  std::string many;
  for (int i = 0; i < 40; ++i) many += "a=1&";
  CHECK_FALSE(parse_form(many));
  CHECK(field(*parse_form("a=%41"), "a") == "A");
}

TEST_CASE("a request that another site made the browser send is told by Sec-Fetch-Site") {
  HttpRequest request;
  CHECK_FALSE(is_cross_site(request));
  request.headers["sec-fetch-site"] = "same-origin";
  CHECK_FALSE(is_cross_site(request));
  request.headers["sec-fetch-site"] = "same-site";  // a sister of ours may be hostile
  CHECK(is_cross_site(request));
  request.headers["sec-fetch-site"] = "cross-site";
  CHECK(is_cross_site(request));
}
