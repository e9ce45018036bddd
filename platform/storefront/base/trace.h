// SPDX-License-Identifier: Apache-2.0
// Trace: which request caused what, across processes: W3C trace context (traceparent, version 00)
// in HTTP and in the queue, and the spans of the last requests of this process, the slow ones
// longer.
//
// A thread has at most one current span; spans made on it are its children. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"

namespace panshi::shop {

struct TraceContext {
  std::string trace;  // 32 lower-case hex digits, not all zero
  std::string span;   // 16
};
// None for anything that is not a traceparent of version 00 (a later version's prefix is read).
std::optional<TraceContext> parse_traceparent(std::string_view text);
std::string to_traceparent(const TraceContext& context);
std::string current_traceparent();  // of this thread; "" outside of any span

struct Span {
  TraceContext context;
  std::string parent;  // span id; "" for the first of its trace
  std::string name;    // "POST /api/orders"
  WallTime start{};
  Duration duration{};
  std::string outcome;  // "201", "timeout"; "" when there is nothing to say
};
nlohmann::json to_json(const Span& span);

// The last kSpansMax spans of this process, and those of the last kSlowMax traces that were slow
// here: a request or message that took kSlowAfter or more.
class SpanStore {
 public:
  static constexpr std::size_t kSpansMax = 8'192;
  static constexpr std::size_t kSlowMax = 100;
  static constexpr Duration kSlowAfter = std::chrono::milliseconds(250);

  void add(Span span);
  // Of the trace when it is still known; in the order in which they ended.
  std::vector<Span> of_trace(const std::string& trace) const;
  std::vector<std::string> slow_traces() const;  // newest first
  std::uint64_t slow_count() const;

 private:
  mutable std::mutex mutex_;
  std::deque<Span> spans_;
  std::deque<std::vector<Span>> slow_;  // each of one trace
  std::uint64_t slow_count_ = 0;
};
SpanStore& process_spans();

// The work of this thread until it goes out of scope, as a span. Server: begins a trace, or goes on
// with the caller's. Child: does nothing outside of a trace.
class SpanScope {
 public:
  static SpanScope server(std::string name, const std::string& traceparent);
  static SpanScope child(std::string name);
  ~SpanScope();
  SpanScope(const SpanScope&) = delete;
  SpanScope& operator=(const SpanScope&) = delete;

  void set_outcome(std::string outcome) { span_.outcome = std::move(outcome); }

 private:
  SpanScope(std::string name, std::optional<TraceContext> parent, bool active);

  Span span_;
  bool active_;
  MonoTime began_;
  std::optional<TraceContext> outer_;  // what was current before
};

}  // namespace panshi::shop
