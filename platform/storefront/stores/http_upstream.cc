// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/http_upstream.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"
#include "platform/storefront/base/trace.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kIdleMax = 64;
constexpr Duration kLeastUseful = std::chrono::milliseconds(2);
MonoTime mono_now() { return SystemClock().mono(); }

}  // namespace

MonoTime deadline_of(const std::string& header, Duration max) {
  std::int64_t ms = 0;
  const char* last = header.data() + header.size();
  const auto [end, error] = std::from_chars(header.data(), last, ms);
  const bool given = !header.empty() && error == std::errc() && end == last && ms >= 0;
  const std::int64_t max_ms = std::chrono::duration_cast<std::chrono::milliseconds>(max).count();
  return mono_now() + std::chrono::milliseconds(given ? std::min(ms, max_ms) : max_ms);
}

HttpUpstream::HttpUpstream(Options options)
    : options_(std::move(options)), breaker_(options_.breaker) {}

std::unique_ptr<HttpClient> HttpUpstream::take() {
  const std::lock_guard lock(mutex_);
  if (!breaker_.allow(mono_now())) return nullptr;
  if (idle_.empty()) return std::make_unique<HttpClient>();
  auto client = std::move(idle_.back());
  idle_.pop_back();
  return client;
}

void HttpUpstream::give_back(std::unique_ptr<HttpClient> client, bool answered) {
  const std::lock_guard lock(mutex_);
  if (answered) {
    breaker_.succeeded();
  } else {
    breaker_.failed(mono_now());
    ++failures_;
  }
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(client));
}

Result<HttpReply> HttpUpstream::call(const Request& request) {
  const Duration left = std::min<Duration>(options_.timeout, request.deadline == MonoTime::max()
                                                                 ? Duration::max()
                                                                 : request.deadline - mono_now());
  if (left < kLeastUseful) return fail(ErrorCode::kUnavailable, "no time left");
  auto client = take();
  if (!client) return fail(ErrorCode::kUnavailable, cat(options_.name, ": circuit breaker open"));

  HttpCall call;
  call.method = request.method;
  call.url = options_.base + request.path;
  call.body = request.body;
  call.headers = request.headers;
  call.headers["X-Deadline-Ms"] =
      std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
  call.connect_timeout = std::min<Duration>(left, std::chrono::seconds(1));
  call.timeout = left;
  SpanScope span = SpanScope::child(cat(options_.name, ": ", request.method, " ", request.path));
  if (const std::string trace = current_traceparent(); !trace.empty()) {
    call.headers["traceparent"] = trace;
  }
  auto reply = client->send(call);
  span.set_outcome(reply ? cat(reply->status) : reply.error().message);
  give_back(std::move(client), reply.has_value());
  if (!reply) return fail(reply.error(), options_.name);
  return reply;
}

bool HttpUpstream::closed() const {
  const std::lock_guard lock(mutex_);
  return breaker_.state(mono_now()) == Breaker::State::kClosed;
}
std::uint64_t HttpUpstream::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

}  // namespace panshi::shop
