// SPDX-License-Identifier: Apache-2.0
// HttpConnection: one client's socket, the request being read from it and the answer being sent.
//
// Never blocks: each call does what can be done now and says what to wait for. One thread at a time
// may work on it, the one that claimed it; claim() and its opposite await() decide between the
// threads and the overseer, which closes what waited for too long. What was closed so was not yet
// read: a request that was taken is always answered. For core/io/http_engine.cc and tests only.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "core/io/http_reader.h"
#include "core/io/transport.h"

namespace panshi {

class HttpConnection {
 public:
  static constexpr Duration kWriteTimeout = std::chrono::seconds(5);   // without a byte taken
  static constexpr Duration kLingerTimeout = std::chrono::seconds(2);  // reading what was refused
  static constexpr std::size_t kLingerBytesMax = 1 << 20;

  enum class Next { kRead, kWrite, kServe, kClose };

  // Takes the socket, which the transport is of.
  HttpConnection(int fd, std::unique_ptr<Transport> transport, std::unique_ptr<HttpReader> reader,
                 const HttpServer::Options& options);
  ~HttpConnection();  // closes the socket
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  int fd() const { return fd_; }
  Transport::Refusal refusal() const { return transport_->refusal(); }

  // REQUIRES: claimed, as all up to await(). `scratch` is the thread's buffer.
  Next on_ready(std::span<char> scratch);
  // Runs the handler. REQUIRES: the last result was kServe
  Next serve();

  bool is_first_wait() { return !std::exchange(has_waited_, true); }
  // Lets go of it, before the poll is told to watch it.
  void await();
  bool claim();                                 // false: it is being closed, drop it
  bool expire(MonoTime now);                    // closes it if it waited for too long; any thread
  bool close_if_waiting();                      // any thread
  std::optional<MonoTime> waiting() const;      // since when; any thread
  bool is_sending() const { return sending_; }  // an answer that did not fit; any thread

 private:
  enum class Mode { kReading, kWriting, kLingering };
  enum class Phase { kClaimed, kWaiting, kClosing };

  Next read(std::span<char> scratch);
  Next follow(HttpReader::State state);
  std::optional<Next> flush();  // none: it is sent, and what comes next is read
  Next linger(std::span<char> scratch);
  MonoTime expiry(MonoTime now) const;

  const HttpServer::Options& options_;
  const int fd_;
  const std::unique_ptr<Transport> transport_;
  const std::unique_ptr<HttpReader> reader_;
  const MonoTime accepted_;
  Mode mode_ = Mode::kReading;
  MonoTime first_;  // when the first byte of the request was read
  MonoTime last_read_;
  bool has_served_ = false;
  HttpReader::Answer answer_;
  std::size_t sent_ = 0;
  MonoTime linger_until_{};
  std::size_t lingered_ = 0;
  bool has_waited_ = false;

  std::atomic<Phase> phase_ = Phase::kClaimed;
  std::atomic<MonoTime::rep> since_ = 0;
  std::atomic<MonoTime::rep> expires_ = 0;
  std::atomic<bool> sending_ = false;
};

}  // namespace panshi
