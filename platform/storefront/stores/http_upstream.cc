// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/stores/http_upstream.h"

#include <algorithm>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "platform/storefront/base/trace.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kIdleMax = 64;
constexpr Duration kLeastUseful = std::chrono::milliseconds(2);

}  // namespace

HttpUpstream::HttpUpstream(Options options)
    : options_(std::move(options)),
      breaker_(options_.breaker),
      bulkhead_(options_.concurrent_max),
      retries_(options_.retries) {}

// A place in the bulkhead, the breaker's leave, and a connection. `again`: a retry, which wants a
// token, and a connection that did not fail just now.
Result<std::unique_ptr<HttpClient>> HttpUpstream::take(bool again) {
  const std::lock_guard lock(mutex_);
  if (!again) retries_.requested();
  if (!bulkhead_.enter()) return fail(ErrorCode::kUnavailable, "too many calls under way");
  if (!breaker_.allow(mono_now())) {
    bulkhead_.leave();
    return fail(ErrorCode::kUnavailable, "circuit breaker open");
  }
  if (again || idle_.empty()) return std::make_unique<HttpClient>();
  auto client = std::move(idle_.back());
  idle_.pop_back();
  return client;
}

void HttpUpstream::give_back(std::unique_ptr<HttpClient> client, bool answered) {
  const std::lock_guard lock(mutex_);
  bulkhead_.leave();
  if (answered) {
    breaker_.succeeded();
  } else {
    breaker_.failed(mono_now());
    ++failures_;
  }
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(client));
}

// `tried`: a connection was asked for; what fails before would fail again.
Result<HttpReply> HttpUpstream::try_once(const Request& request, bool again, bool& tried) {
  tried = false;
  const Duration left = std::min<Duration>(options_.timeout, request.deadline == MonoTime::max()
                                                                 ? Duration::max()
                                                                 : request.deadline - mono_now());
  if (left < kLeastUseful) return fail(ErrorCode::kUnavailable, "no time left");
  ASSIGN_OR_RETURN(auto client, take(again));
  tried = true;
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
  return reply;
}

Result<HttpReply> HttpUpstream::call(const Request& request) {
  bool tried = false;
  auto reply = try_once(request, false, tried);
  const bool repeatable = request.method == "GET" || request.headers.contains("Idempotency-Key");
  const auto spend = [this] {
    const std::lock_guard lock(mutex_);
    return retries_.take();
  };
  if (!reply && reply.error().code == ErrorCode::kUnavailable && tried && repeatable && spend()) {
    // The first try surely was not acted on: what the second says is true of both.
    reply = try_once(request, true, tried);
  }
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
HttpUpstream::Counts HttpUpstream::counts() const {
  const std::lock_guard lock(mutex_);
  return {retries_.taken(), retries_.refused(), bulkhead_.refused()};
}

}  // namespace panshi::shop
