// SPDX-License-Identifier: Apache-2.0
// The promise under test: what was written to the customers' log is read back exactly, and nothing
// else passes for a line of it.
#include "platform/customers/record.h"

#include <catch2/catch.hpp>

namespace panshi::shop {
namespace {

Record full_record() {
  Record record;
  record.at_us = 1'700'000'000'000'001;
  record.intended_us = 1'700'000'000'000'000;
  record.customer = "c-1-2";
  record.kind = "fraud";
  record.step = Step::kFetch;
  record.outcome = Outcome::kOk;
  record.attempt = 3;
  record.key = "k";
  record.order = "o-1";
  record.user = "u-7";
  record.product = "vpn \"30\"";
  record.card_key = "卡密-1";
  record.amount_cents = 990;
  record.status = 200;
  record.latency_us = 1'234;
  return record;
}

TEST_CASE("a record reads back as it was written") {
  const Record record = full_record();
  CHECK(read_line(to_line(record)).value() == record);
  Record small;
  small.at_us = 1;
  CHECK(read_line(to_line(small)).value() == small);
}

TEST_CASE("every step and outcome has a name of its own") {
  for (int step = 0; step <= static_cast<int>(Step::kChat); ++step) {
    for (int outcome = 0; outcome <= static_cast<int>(Outcome::kDropped); ++outcome) {
      Record record;
      record.step = static_cast<Step>(step);
      record.outcome = static_cast<Outcome>(outcome);
      CHECK(read_line(to_line(record)).value() == record);
    }
  }
}

TEST_CASE("no torn line passes for a whole one") {
  const std::string line = to_line(full_record());
  for (std::size_t length = 0; length < line.size(); ++length) {
    INFO("first " << length << " bytes");
    CHECK_FALSE(read_line(line.substr(0, length)).has_value());
  }
}

TEST_CASE("lines that we would not have written are refused") {
  const char* line = GENERATE("", "{}", "[]", "7", "null", R"({"at_us":1,"step":"order"})",
                              R"({"at_us":1,"step":"order","outcome":"perhaps"})",
                              R"({"at_us":1,"step":"steal","outcome":"ok"})",
                              R"({"at_us":-1,"step":"order","outcome":"ok"})",
                              R"({"at_us":1.5,"step":"order","outcome":"ok"})",
                              R"({"at_us":1,"step":"order","outcome":"ok","odd":"x"})",
                              R"({"at_us":1,"step":"order","outcome":"ok","order":{"id":"o"}})",
                              R"({"at_us":1,"step":"order","outcome":"ok","order":["o"]})",
                              R"({"at_us":1,"step":"order","outcome":"ok"} x)",
                              R"({"at_us":1,"step":"order","outcome":"ok"}{"at_us":2})");
  INFO(line);
  CHECK_FALSE(read_line(line).has_value());
}

}  // namespace
}  // namespace panshi::shop
