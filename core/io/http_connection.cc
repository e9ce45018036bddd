// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/text.h"

namespace panshi {
namespace {

bool would_block() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

std::string http_answer(const HttpResponse& response, bool head_only, bool keep_alive) {
  const bool bodiless = response.status == 204 || response.status == 304;
  std::string out = cat("HTTP/1.1 ", response.status, " ", http_reason(response.status), "\r\n");
  out.reserve(out.size() + 256 + response.body.size());
  if (!bodiless) {
    out += cat("Content-Type: ", response.content_type,
               "\r\nContent-Length: ", response.body.size(), "\r\n");
  }
  out += "X-Content-Type-Options: nosniff\r\n";
  if (!response.headers.contains("Cache-Control")) out += "Cache-Control: no-store\r\n";
  for (const auto& [name, value] : response.headers) out += cat(name, ": ", value, "\r\n");
  for (const std::string& cookie : response.cookies) out += cat("Set-Cookie: ", cookie, "\r\n");
  out += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  if (!bodiless && !head_only) out += response.body;
  return out;
}

HttpConnection::HttpConnection(int fd, HttpPeer peer, const Rules& rules)
    : rules_(rules), fd_(fd), peer_(std::move(peer)) {}

HttpConnection::~HttpConnection() { ::close(fd_); }

HttpConnection::Next HttpConnection::on_ready(std::span<char> scratch) {
  switch (mode_) {
    case Mode::kReading:
      return go_on(read(scratch));
    case Mode::kWriting:
      return go_on(flush());
    case Mode::kLingering:
      return linger(scratch);
  }
  return Next::kClose;
}

// With what was read behind the request that is answered now. A loop: one buffer holds thousands.
HttpConnection::Next HttpConnection::go_on(Next next) {
  while (next == Next::kRead && mode_ == Mode::kReading && !parser_ && !rest_.empty()) {
    next = parse_rest();
  }
  return next;
}

HttpConnection::Next HttpConnection::read(std::span<char> scratch) {
  const ssize_t got = ::recv(fd_, scratch.data(), scratch.size(), MSG_DONTWAIT);
  if (got < 0) return would_block() ? Next::kRead : Next::kClose;
  if (got == 0) return Next::kClose;
  last_read_ = mono_now();
  if (!parser_) first_ = last_read_;
  const std::string_view bytes(scratch.data(), static_cast<std::size_t>(got));
  if (rest_.empty()) return parse(bytes);
  rest_ += bytes;
  return parse_rest();
}

HttpConnection::Next HttpConnection::parse_rest() {
  const std::string bytes = std::exchange(rest_, {});
  return parse(bytes);
}

// REQUIRES: `bytes` lives through the call and is not rest_, which takes what is left of it.
HttpConnection::Next HttpConnection::parse(std::string_view bytes) {
  if (!parser_) parser_.emplace(rules_.options.body_max);
  while (!bytes.empty()) {
    const HttpParser::State before = parser_->state();
    const std::size_t taken = parser_->feed(bytes);
    bytes.remove_prefix(taken);
    const HttpParser::State now = parser_->state();
    if (now == HttpParser::State::kBad) {
      return refuse(bare_http_refusal(rules_.options, parser_->status()));
    }
    if (before == HttpParser::State::kHead && now != before && !head_ended()) {
      rest_ = bytes;
      return refuse(*std::exchange(refusal_, {}));
    }
    if (now == HttpParser::State::kWhole) {
      rest_ = bytes;
      return Next::kServe;
    }
    if (taken == 0) break;
  }
  rest_ = bytes;
  const bool asks = parser_->state() == HttpParser::State::kBody && rest_.empty() &&
                    std::exchange(parser_->head().expects_continue, false);
  // A line that does not fit into an empty socket buffer cannot be.
  constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
  if (asks) (void)::send(fd_, kGoOn.data(), kGoOn.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return Next::kRead;
}

bool HttpConnection::head_ended() {
  HttpHead& head = parser_->head();
  HttpGuard::Verdict verdict = rules_.guard.check(head);
  const bool whole = parser_->state() == HttpParser::State::kWhole;
  head_only_ = head.request.method == "HEAD";
  keep_ = head.keep_alive && ++served_ < rules_.options.requests_per_connection_max;
  if (!verdict.refusal) {
    route_ = verdict.match.route;
    captures_ = std::move(verdict.match.captures);
    return true;
  }
  unread_ = !whole || !verdict.framing_is_sure;
  refusal_ = std::move(verdict.refusal);
  return false;
}

HttpConnection::Next HttpConnection::refuse(const HttpResponse& response) {
  if (parser_->state() == HttpParser::State::kBad) unread_ = true;
  if (unread_) {
    keep_ = false;
    rest_.clear();
  }
  out_ = http_answer(response, head_only_, keep_);
  return flush();
}

HttpRequest HttpConnection::take_request() {
  HttpRequest request = std::move(parser_->head().request);
  request.body = std::move(parser_->body());
  request.captures = std::move(captures_);
  request.remote_address = peer_.address;
  request.remote_port = peer_.port;
  request.arrived = first_;
  return request;
}

HttpConnection::Next HttpConnection::answer(const HttpResponse& response, bool stopping) {
  if (stopping) keep_ = false;
  out_ = http_answer(response, head_only_, keep_);
  return go_on(flush());
}

HttpConnection::Next HttpConnection::flush() {
  mode_ = Mode::kWriting;
  while (sent_ < out_.size()) {
    const ssize_t sent =
        ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return would_block() ? Next::kWrite : Next::kClose;
    sent_ += static_cast<std::size_t>(sent);
  }
  return answered();
}

HttpConnection::Next HttpConnection::answered() {
  out_ = {};
  sent_ = 0;
  parser_.reset();
  head_only_ = false;
  if (keep_) {
    mode_ = Mode::kReading;
    first_ = last_read_;  // of what came behind the former request
    return Next::kRead;
  }
  if (!unread_) return Next::kClose;
  // Closing with bytes unread would reset the connection, and might overtake the answer.
  ::shutdown(fd_, SHUT_WR);
  mode_ = Mode::kLingering;
  linger_until_ = mono_now() + kLingerTimeout;
  return Next::kRead;
}

HttpConnection::Next HttpConnection::linger(std::span<char> scratch) {
  const ssize_t got = ::recv(fd_, scratch.data(), scratch.size(), MSG_DONTWAIT);
  if (got < 0) return would_block() ? Next::kRead : Next::kClose;
  lingered_ += static_cast<std::size_t>(got);
  return got == 0 || lingered_ > kLingerBytesMax ? Next::kClose : Next::kRead;
}

MonoTime HttpConnection::expiry(MonoTime now) const {
  switch (mode_) {
    case Mode::kReading:
      if (parser_) return first_ + rules_.options.request_timeout;
      return now + (served_ == 0 ? rules_.options.request_timeout : rules_.options.idle_timeout);
    case Mode::kWriting:
      return now + kWriteTimeout;
    case Mode::kLingering:
      return linger_until_;
  }
  return now;
}

void HttpConnection::await() {
  const MonoTime now = mono_now();
  since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  expires_.store(expiry(now).time_since_epoch().count(), std::memory_order_relaxed);
  sending_.store(mode_ == Mode::kWriting, std::memory_order_relaxed);
  phase_.store(Phase::kWaiting, std::memory_order_release);
}

bool HttpConnection::claim() {
  Phase waiting = Phase::kWaiting;
  return phase_.compare_exchange_strong(waiting, Phase::kClaimed, std::memory_order_acq_rel);
}

bool HttpConnection::expire(MonoTime now) {
  const bool due = phase_.load(std::memory_order_acquire) == Phase::kWaiting &&
                   expires_.load(std::memory_order_relaxed) <= now.time_since_epoch().count();
  return due && close_if_waiting();
}

bool HttpConnection::close_if_waiting() {
  Phase waiting = Phase::kWaiting;
  if (!phase_.compare_exchange_strong(waiting, Phase::kClosing, std::memory_order_acq_rel)) {
    return false;
  }
  ::shutdown(fd_, SHUT_RDWR);  // the poll then wakes a thread, which finds it closing
  return true;
}

std::optional<MonoTime> HttpConnection::waiting() const {
  if (phase_.load(std::memory_order_acquire) != Phase::kWaiting) return std::nullopt;
  return MonoTime(Duration(since_.load(std::memory_order_relaxed)));
}

}  // namespace panshi
