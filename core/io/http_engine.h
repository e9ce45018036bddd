// SPDX-License-Identifier: Apache-2.0
// HttpEngine: the threads of an HttpServer and the sockets they share.
//
// All threads wait at one epoll, where a socket is armed for one event at a time. The thread that
// gets the event reads, parses, runs the handler and sends the answer itself, so that a request
// costs one wake-up and four system calls (docs/decisions/0007). While all of them run handlers,
// the thread `http-watch` takes the events: it reads requests, notes when they came and queues
// them, at most kQueueMax; beyond that they stay in the kernel.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/io/http_connection.h"
#include "core/io/http_listener.h"

namespace panshi {

class HttpEngine {
 public:
  static constexpr std::size_t kQueueMax = 1'024;
  static constexpr std::size_t kAcceptedAtOnce = 32;
  static constexpr std::size_t kEvictedShare = 16;  // of connections_max, that go at once when full
  using Handle = std::function<HttpResponse(const HttpRequest& request, std::size_t route)>;

  HttpEngine(const HttpServer::Options& options, const HttpGuard& guard, Handle handle);
  ~HttpEngine();  // stops
  HttpEngine(const HttpEngine&) = delete;
  HttpEngine& operator=(const HttpEngine&) = delete;

  Status start();
  // Refuses what is new, closes what is idle, waits for the handlers that run. Not from a handler.
  void stop();
  std::uint16_t port() const { return doors_.front().listener.port; }

 private:
  Status begin();  // all but the address
  using Next = HttpConnection::Next;
  struct Door {
    HttpListener listener;
    std::atomic<bool> accept_later = false;  // no descriptor was left
  };
  struct Fd {
    int fd = -1;
    ~Fd();
  };

  void work();
  void watch();
  bool saturated() const { return busy_ >= threads_wanted_; }
  bool has_room();
  // Waits for one event and handles it; a whole request is served, or queued by the watch.
  void take_event(std::span<char> scratch, bool may_serve, int timeout_ms);
  void accept_some(Door& door, std::span<char> scratch, bool may_serve);
  HttpConnection* take_in(HttpAccepted accepted);
  // Says to the doorman that somebody was turned away before there was a request.
  void refuse(std::string what, std::string path, Transport::Refusal refused) const;
  void make_room();
  void proceed(HttpConnection& connection, Next next, bool may_serve);
  Next serve(HttpConnection& connection);
  void queue(HttpConnection& connection);
  HttpConnection* take_queued();
  void arm(HttpConnection& connection, Next next);
  void arm_listener(Door& door, int operation);
  void drop(HttpConnection& connection);
  void sweep(MonoTime now);
  void ring();
  void close_idle();
  void close_doors();
  void finish_answers();

  const HttpServer::Options& options_;
  const HttpRules rules_;
  const std::size_t threads_wanted_;
  const std::size_t connections_max_;
  std::array<Door, 2> doors_;  // the address, and the Unix socket, if there is one
  Fd epoll_;
  Fd bell_;  // rung for a queued request and at the end
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> busy_ = 0;  // threads that run a handler

  std::mutex connections_mutex_;
  std::unordered_map<int, std::unique_ptr<HttpConnection>> connections_;  // by descriptor
  std::unordered_set<int> evicted_;  // of them: closed to make room, and not dropped yet

  std::mutex queue_mutex_;
  std::deque<HttpConnection*> queue_;

  std::mutex watch_mutex_;
  std::condition_variable watch_wanted_;

  std::vector<std::thread> threads_;
  std::thread watch_;
};

}  // namespace panshi
