// SPDX-License-Identifier: Apache-2.0
// Promise: figures are read from a metrics page by name and labels, and of a stream what its
// monitoring port says, however odd the page is.
#include <catch2/catch.hpp>

#include "agents/probes/kinds/kind.h"
#include "agents/probes/kinds/metrics_page.h"
#include "core/base/text.h"
#include "core/model/probe_signals.h"

namespace panshi::agent {
namespace {

constexpr const char* kPage = R"(# HELP requests_total By code.
# TYPE requests_total counter
requests_total{code="200",path="/a b"} 10 1700000000000
requests_total{code="500", path="/a\"\\}"} 3
requests_total{code="500",path="/b",} 4.5e1
requests_total_created 99
depth -2
broken{code="500 7
endless{
nothing NaN
)";

std::optional<double> read(const std::string& selector) {
  return sum_of(parse_selector(selector).value(), kPage);
}

TEST_CASE("a page is read as its format has it, blanks, signs and exponents too") {
  const auto sum = [](const char* selector, const char* page) {
    return sum_of(parse_selector(selector).value(), page);
  };
  CHECK(sum("a", "a 1\n") == 1);
  CHECK(sum("a", "\t a\t+1.5e3  1395066363000\r\n") == 1500);
  CHECK(sum("a", "a{} 1\na { } 2\na{x=\"1\",} 3\na\t{ x = \"2\" , } .5") == 6.5);
  CHECK(sum("a { x = \"2\" , }", "a{x=\"2\"} 0x1p4\n") == 16);
  CHECK(sum("a_bucket{le=\"+Inf\"}", "a_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 7\n") == 7);
  CHECK(sum("a", "# a 5\na 1 # {id=\"x\"} 3\nab 9\n") == 1);
  CHECK(sum("a", "a -0\n") == 0);
}

TEST_CASE("a sum of which a part is not known is no data") {
  const auto sum = [](const char* page) { return sum_of(parse_selector("a").value(), page); };
  for (const char* value : {"NaN", "nan", "+Inf", "-Inf", "Infinity", "1e999", "0x10", "many", "",
                            "1 soon", "1 2 3", "--1", "1_0", "+ 1"}) {
    INFO(value);
    CHECK_FALSE(sum(cat("a{x=\"1\"} 2\na{x=\"2\"} ", value, "\n").c_str()));
  }
  CHECK_FALSE(sum("a 1\na{x=1} 2\n"));        // a label without quotes
  CHECK(sum("a 1\nb{x=1} 2\nb NaN\n") == 1);  // nobody asked for b
}

TEST_CASE("what a kind of probe sends is what the checks of scenarios know") {
  for (const ProbeKind& kind : probe_kinds()) {
    INFO(kind.name);
    std::vector<std::string> names;
    for (const auto& signal : kind.signals) names.emplace_back(signal.name);
    CHECK(names == signals_of_probe_kind(std::string(kind.name)));
  }
}

TEST_CASE("series that have the name and the labels are added up") {
  CHECK(read("requests_total") == 58);
  CHECK(read(R"(requests_total{code="500"})") == 48);
  CHECK(read(R"(requests_total{path="/a b",code="200"})") == 10);
  CHECK(read(R"(requests_total{path="/a\"\\}"})") == 3);
  CHECK(read("depth") == -2);
  CHECK_FALSE(read(R"(requests_total{code="404"})"));
  CHECK_FALSE(read("requests"));
  CHECK_FALSE(read("nothing"));
  CHECK_FALSE(read("broken"));
}

TEST_CASE("a selector that is none is refused with what was expected") {
  for (const char* text :
       {"", "9a", "a{", "a{b}", "a{b=c}", R"(a{b="c")", R"(a{b="c"} 1)", "a b"}) {
    INFO(text);
    REQUIRE_FALSE(parse_selector(text));
    CHECK(parse_selector(text).error().message.find("must be like") != std::string::npos);
  }
}

constexpr const char* kStreams =
    R"({"account_details":[{"name":"$G","stream_detail":[{"name":"orders",
  "cluster":{"leader":"n2"},"state":{"messages":70},
  "consumer_detail":[{"name":"worker","num_pending":12,"num_ack_pending":3}]}]}]})";

ProbeAnswer judge(ProbeTarget target, const std::string& body) {
  target.stream = "orders";
  return find_probe_kind("nats")->judge(target, body);
}

TEST_CASE("a stream is judged by its leader and by what waits for its consumer") {
  using Values = std::vector<std::pair<std::string, double>>;
  ProbeTarget target;
  target.consumer = "worker";
  const ProbeAnswer good = judge(target, kStreams);
  CHECK(good.reason.empty());
  CHECK(good.values ==
        Values{{"leader", 1}, {"messages", 70}, {"pending", 12}, {"unacknowledged", 3}});
  target.pending_max = 11;
  CHECK(judge(target, kStreams).reason == "12 messages wait, 11 are allowed");
  target.server = "n1";
  CHECK(judge(target, kStreams).reason == "`n2` leads the stream");
  CHECK(judge(target, kStreams).values[0] == std::pair<std::string, double>("leader", 0));
  target = {};
  target.consumer = "other";
  CHECK(judge(target, kStreams).reason == "no consumer `other` here");
}

TEST_CASE("a page that is no answer about the stream is a bad run with its reason") {
  CHECK(judge({}, "{}").reason == "no stream `orders` on this server");
  CHECK(
      judge({}, R"({"account_details":[7,{"stream_detail":{}}]})").reason.starts_with("no stream"));
  CHECK(judge({}, "<html>").reason.starts_with("the answer is no JSON"));
  CHECK(judge({}, R"({"account_details":[{"stream_detail":[{"name":"orders","cluster":{}}]}]})")
            .reason == "the stream has no leader");
}

}  // namespace
}  // namespace panshi::agent
