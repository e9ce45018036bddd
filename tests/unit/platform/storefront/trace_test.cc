// SPDX-License-Identifier: Apache-2.0
// Promise: a trace goes on across processes by its header, wrong headers begin a new one, children
// know their parent, and slow traces are kept longer than the others.
#include "platform/storefront/base/trace.h"

#include <catch2/catch.hpp>

#include "core/base/text.h"

using namespace panshi;
using namespace panshi::shop;
using namespace std::chrono_literals;

namespace {

constexpr const char* kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

Span span_of(const std::string& trace, Duration took) {
  return {.context = {trace, "00f067aa0ba902b7"},
          .parent = {},
          .name = "GET /",
          .start = {},
          .duration = took,
          .outcome = "200"};
}

}  // namespace

TEST_CASE("a traceparent is read as the recommendation says") {
  const auto read = parse_traceparent(kParent);
  REQUIRE(read);
  CHECK(read->trace == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(read->span == "00f067aa0ba902b7");
  CHECK(to_traceparent(*read) == kParent);
  CHECK(parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later"));
  for (const char* wrong : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
                            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
                            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more"}) {
    INFO(wrong);
    CHECK_FALSE(parse_traceparent(wrong));
  }
}

TEST_CASE("a server span goes on with the caller's trace, its children with it") {
  CHECK(current_traceparent().empty());
  { const SpanScope outside = SpanScope::child("nobody asked"); }
  {
    const SpanScope server = SpanScope::server("POST /api/orders", kParent);
    CHECK(parse_traceparent(current_traceparent())->trace == "4bf92f3577b34da6a3ce929d0e0e4736");
    {
      SpanScope child = SpanScope::child("orders: POST /api/orders");
      child.set_outcome("201");
    }
  }
  CHECK(current_traceparent().empty());
  const auto spans = process_spans().of_trace("4bf92f3577b34da6a3ce929d0e0e4736");
  REQUIRE(spans.size() == 2);
  CHECK(spans[0].name == "orders: POST /api/orders");
  CHECK(spans[0].outcome == "201");
  CHECK(spans[0].parent == spans[1].context.span);
  CHECK(spans[1].parent == "00f067aa0ba902b7");
  CHECK(spans[0].context.span != spans[1].context.span);
}

TEST_CASE("without a caller's trace a new one begins each time") {
  std::string first;
  {
    const SpanScope server = SpanScope::server("GET /", "nonsense");
    first = current_traceparent();
  }
  const SpanScope server = SpanScope::server("GET /", "");
  CHECK(parse_traceparent(first));
  CHECK(parse_traceparent(current_traceparent())->trace != parse_traceparent(first)->trace);
}

TEST_CASE("slow traces are kept when the others have long gone, and memory stays bounded") {
  SpanStore store;
  const std::string slow(32, 'a');
  store.add(span_of(slow, 1ms));  // a child that was not slow itself
  store.add(span_of(slow, SpanStore::kSlowAfter));
  for (std::size_t i = 0; i < SpanStore::kSpansMax; ++i)
    store.add(span_of(std::string(32, 'b'), 1ms));
  CHECK(store.of_trace(slow).size() == 2);
  CHECK(store.of_trace(std::string(32, 'b')).size() == SpanStore::kSpansMax);
  CHECK(store.slow_traces() == std::vector<std::string>{slow});
  for (std::size_t i = 0; i < SpanStore::kSlowMax + 5; ++i) {
    store.add(span_of(cat("c", i), SpanStore::kSlowAfter));
  }
  CHECK(store.slow_traces().size() == SpanStore::kSlowMax);
  CHECK(store.slow_traces().front() == cat("c", SpanStore::kSlowMax + 4));
  CHECK(store.slow_count() == SpanStore::kSlowMax + 6);
  CHECK(store.of_trace(slow).empty());
}
