// SPDX-License-Identifier: Apache-2.0
// HttpConnection: one client's socket, the request being read from it and the answer being sent.
//
// Never blocks: each call does what can be done now and says what to wait for. One thread at a time
// may work on it, the one that claimed it; claim() and its opposite await() decide between the
// threads and the overseer, which closes what waited for too long. What was closed so was not yet
// read: a request that was taken is always answered. For core/io/http_engine.cc and tests only.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/io/http_guard.h"
#include "core/io/http_listener.h"

namespace panshi {

class HttpConnection {
 public:
  static constexpr Duration kWriteTimeout = std::chrono::seconds(5);   // without a byte taken
  static constexpr Duration kLingerTimeout = std::chrono::seconds(2);  // reading what was refused
  static constexpr std::size_t kLingerBytesMax = 1 << 20;

  struct Rules {
    const HttpServer::Options& options;
    const HttpGuard& guard;
  };
  enum class Next { kRead, kWrite, kServe, kClose };

  HttpConnection(int fd, HttpPeer peer, const Rules& rules);
  ~HttpConnection();  // closes the socket
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  int fd() const { return fd_; }

  // REQUIRES: claimed, as all up to await(). `scratch` is the thread's buffer.
  Next on_ready(std::span<char> scratch);
  // REQUIRES: the last result was kServe; once
  HttpRequest take_request();
  std::size_t route() const { return *route_; }
  Next answer(const HttpResponse& response, bool stopping);

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
  Next parse(std::string_view bytes);
  Next parse_rest();
  Next go_on(Next next);
  bool head_ended();  // false: refused
  Next refuse(const HttpResponse& response);
  Next flush();
  Next answered();
  Next linger(std::span<char> scratch);
  MonoTime expiry(MonoTime now) const;

  const Rules& rules_;
  const int fd_;
  const HttpPeer peer_;
  Mode mode_ = Mode::kReading;
  std::optional<HttpParser> parser_;  // of the request being read
  std::optional<std::size_t> route_;
  std::vector<std::string> captures_;
  std::string rest_;  // read, not yet parsed
  MonoTime first_{};  // when the first byte of the request was read
  MonoTime last_read_{};
  unsigned served_ = 0;
  std::string out_;
  std::size_t sent_ = 0;
  std::optional<HttpResponse> refusal_;
  bool keep_ = true;  // after the answer
  bool head_only_ = false;
  bool unread_ = false;  // what was refused may still be coming
  MonoTime linger_until_{};
  std::size_t lingered_ = 0;
  bool has_waited_ = false;

  std::atomic<Phase> phase_ = Phase::kClaimed;
  std::atomic<MonoTime::rep> since_ = 0;
  std::atomic<MonoTime::rep> expires_ = 0;
  std::atomic<bool> sending_ = false;
};

// `head_only`: an answer to HEAD, which tells the length of a body and has none.
std::string http_answer(const HttpResponse& response, bool head_only, bool keep_alive);

}  // namespace panshi
