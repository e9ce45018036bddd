// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "core/base/clock.h"

namespace panshi {

using Outcome = Transport::Outcome;

HttpConnection::HttpConnection(int fd, std::unique_ptr<Transport> transport,
                               std::unique_ptr<HttpReader> reader,
                               const HttpServer::Options& options)
    : options_(options),
      fd_(fd),
      transport_(std::move(transport)),
      reader_(std::move(reader)),
      accepted_(mono_now()),
      first_(accepted_),
      last_read_(accepted_) {}

HttpConnection::~HttpConnection() { ::close(fd_); }

HttpConnection::Next HttpConnection::on_ready(std::span<char> scratch) {
  switch (mode_) {
    case Mode::kReading:
      return read(scratch);
    case Mode::kWriting:
      if (const auto next = flush()) return *next;
      return follow(reader_->feed({}));
    case Mode::kLingering:
      return linger(scratch);
  }
  return Next::kClose;
}

HttpConnection::Next HttpConnection::read(std::span<char> scratch) {
  const Transport::Io got = transport_->read(scratch);
  if (got.outcome == Outcome::kWaitRead) return Next::kRead;
  if (got.outcome == Outcome::kWaitWrite) return Next::kWrite;
  if (got.outcome != Outcome::kDone) return Next::kClose;
  last_read_ = mono_now();
  if (!reader_->has_begun()) first_ = last_read_;
  return follow(reader_->feed({scratch.data(), got.bytes}));
}

HttpConnection::Next HttpConnection::serve() { return follow(reader_->serve(first_)); }

// A loop, not a recursion: one buffer holds thousands of requests that are refused.
HttpConnection::Next HttpConnection::follow(HttpReader::State state) {
  while (state == HttpReader::State::kAnswer) {
    answer_ = reader_->take_answer();
    sent_ = 0;
    mode_ = Mode::kWriting;
    if (const auto next = flush()) return *next;
    state = reader_->feed({});
  }
  if (state == HttpReader::State::kServe) return Next::kServe;
  // A line that does not fit into an empty socket buffer cannot be.
  if (reader_->take_go_on()) (void)transport_->write("HTTP/1.1 100 Continue\r\n\r\n");
  return Next::kRead;
}

std::optional<HttpConnection::Next> HttpConnection::flush() {
  const std::string_view bytes = answer_.bytes;
  while (sent_ < bytes.size()) {
    const Transport::Io sent = transport_->write(bytes.substr(sent_));
    if (sent.outcome == Outcome::kWaitWrite) return Next::kWrite;
    if (sent.outcome == Outcome::kWaitRead) return Next::kRead;
    if (sent.outcome != Outcome::kDone) return Next::kClose;
    sent_ += sent.bytes;
  }
  answer_.bytes = {};
  has_served_ = true;
  if (answer_.keep) {
    mode_ = Mode::kReading;
    first_ = last_read_;  // of what came behind the former request
    return std::nullopt;
  }
  transport_->end();
  if (!answer_.unread) return Next::kClose;
  // Closing with bytes unread would reset the connection, and might overtake the answer.
  mode_ = Mode::kLingering;
  linger_until_ = mono_now() + kLingerTimeout;
  return Next::kRead;
}

HttpConnection::Next HttpConnection::linger(std::span<char> scratch) {
  const Transport::Io got = transport_->read(scratch);
  if (got.outcome == Outcome::kWaitRead) return Next::kRead;
  if (got.outcome == Outcome::kWaitWrite) return Next::kWrite;
  lingered_ += got.bytes;
  return got.outcome != Outcome::kDone || lingered_ > kLingerBytesMax ? Next::kClose : Next::kRead;
}

MonoTime HttpConnection::expiry(MonoTime now) const {
  switch (mode_) {
    case Mode::kReading:
      // However often a byte of a handshake comes.
      if (!transport_->is_established()) return accepted_ + options_.request_timeout;
      if (reader_->has_begun()) return first_ + options_.request_timeout;
      return now + (has_served_ ? options_.idle_timeout : options_.request_timeout);
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
