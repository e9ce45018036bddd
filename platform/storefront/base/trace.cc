// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/base/trace.h"

#include <algorithm>
#include <random>

#include "core/base/ids.h"
#include "core/base/text.h"

namespace panshi::shop {
namespace {

thread_local std::optional<TraceContext> current;

std::uint64_t random_bits() {
  thread_local std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}
std::string random_id() {
  std::uint64_t bits = 0;
  while (bits == 0) bits = random_bits();
  return hex16(bits);
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view text) {
  constexpr std::size_t kLength = 55;  // 00-TRACE-SPAN-FLAGS
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
  const std::string_view version = text.substr(0, 2);
  const std::string_view trace = text.substr(3, 32);
  const std::string_view span = text.substr(36, 16);
  if (!is_hex(version) || version == "ff" || !is_hex(trace) || !is_hex(span) ||
      !is_hex(text.substr(53, 2)) || is_zero(trace) || is_zero(span)) {
    return {};
  }
  const bool longer = text.size() > kLength;
  if (longer && (version == "00" || text[kLength] != '-')) return {};
  return TraceContext{std::string(trace), std::string(span)};
}

std::string to_traceparent(const TraceContext& context) {
  return cat("00-", context.trace, "-", context.span, "-01");
}

std::string current_traceparent() { return current ? to_traceparent(*current) : std::string(); }

nlohmann::json to_json(const Span& span) {
  return {{"trace", span.context.trace},   {"span", span.context.span},
          {"parent", span.parent},         {"name", span.name},
          {"start_us", to_us(span.start)}, {"duration_us", span.duration.count()},
          {"outcome", span.outcome}};
}

void SpanStore::add(Span span) {
  const std::lock_guard lock(mutex_);
  const bool slow = span.duration >= kSlowAfter;
  const std::string trace = span.context.trace;
  spans_.push_back(std::move(span));
  if (spans_.size() > kSpansMax) spans_.pop_front();
  if (!slow) return;
  std::vector<Span> whole;
  for (const Span& one : spans_) {
    if (one.context.trace == trace) whole.push_back(one);
  }
  const auto known = std::find_if(slow_.begin(), slow_.end(), [&](const auto& spans) {
    return spans.front().context.trace == trace;
  });
  if (known != slow_.end()) {
    *known = std::move(whole);
    return;
  }
  ++slow_count_;
  slow_.push_back(std::move(whole));
  if (slow_.size() > kSlowMax) slow_.pop_front();
}

std::vector<Span> SpanStore::of_trace(const std::string& trace) const {
  const std::lock_guard lock(mutex_);
  std::vector<Span> found;
  for (const Span& span : spans_) {
    if (span.context.trace == trace) found.push_back(span);
  }
  if (!found.empty()) return found;
  for (const auto& spans : slow_) {
    if (spans.front().context.trace == trace) return spans;
  }
  return found;
}

std::vector<std::string> SpanStore::slow_traces() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> traces;
  for (auto it = slow_.rbegin(); it != slow_.rend(); ++it) {
    traces.push_back(it->front().context.trace);
  }
  return traces;
}

std::uint64_t SpanStore::slow_count() const {
  const std::lock_guard lock(mutex_);
  return slow_count_;
}

SpanStore& process_spans() {
  static SpanStore store;
  return store;
}

SpanScope::SpanScope(std::string name, std::optional<TraceContext> parent, bool active)
    : active_(active), began_(SystemClock().mono()), outer_(current) {
  if (!active_) return;
  span_.name = std::move(name);
  span_.context = {parent ? parent->trace : random_id() + random_id(), random_id()};
  if (parent) span_.parent = parent->span;
  span_.start = SystemClock().wall();
  current = span_.context;
}

SpanScope SpanScope::server(std::string name, const std::string& traceparent) {
  return {std::move(name), parse_traceparent(traceparent), true};
}
SpanScope SpanScope::child(std::string name) {
  return {std::move(name), current, current.has_value()};
}

SpanScope::~SpanScope() {
  if (!active_) return;
  current = outer_;
  span_.duration = SystemClock().mono() - began_;
  process_spans().add(std::move(span_));
}

}  // namespace panshi::shop
