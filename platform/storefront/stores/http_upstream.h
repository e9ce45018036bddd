// SPDX-License-Identifier: Apache-2.0
// HttpUpstream: another role, called over HTTP, behind a circuit breaker and under a deadline.
//
// The time that is left goes along as X-Deadline-Ms, so that nobody works for a caller who is gone.
// Only a call that got no answer counts as a failure; an answer of any status does not. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/io/http_client.h"
#include "platform/storefront/model/breaker.h"

namespace panshi::shop {

// When the caller stops waiting. From the header X-Deadline-Ms, at most `max` from now.
MonoTime deadline_of(const std::string& header, Duration max);

class HttpUpstream {
 public:
  struct Options {
    std::string name;  // in messages
    std::string base;  // "http://127.77.2.1:17810"
    Duration timeout = std::chrono::seconds(2);
    Breaker::Options breaker = {.failures_max = 5, .open_for = std::chrono::milliseconds(300)};
  };
  explicit HttpUpstream(Options options);

  struct Request {
    std::string method = "GET";
    std::string path;
    std::string body = {};
    std::map<std::string, std::string> headers = {};
    MonoTime deadline = MonoTime::max();
  };
  // kUnavailable: surely not acted on (also: breaker open, deadline passed). kTimeout: unknown.
  Result<HttpReply> call(const Request& request);

  bool closed() const;  // the breaker lets calls through
  std::uint64_t failures() const;

 private:
  std::unique_ptr<HttpClient> take();
  void give_back(std::unique_ptr<HttpClient> client, bool answered);

  const Options options_;
  mutable std::mutex mutex_;
  Breaker breaker_;
  std::uint64_t failures_ = 0;
  std::vector<std::unique_ptr<HttpClient>> idle_;
};

}  // namespace panshi::shop
