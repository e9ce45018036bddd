// SPDX-License-Identifier: Apache-2.0
// HttpUpstream: another role, called over HTTP, behind a circuit breaker and a bulkhead, under a
// deadline and with a budget of retries.
//
// The time that is left goes along as X-Deadline-Ms, so that nobody works for a caller who is gone.
// Only a call that got no answer counts as a failure; an answer of any status does not. A call that
// was surely not acted on, and may be repeated (a GET, or any with an Idempotency-Key), is sent
// once more on a new connection if the budget has a token. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/io/http_client.h"
#include "platform/storefront/model/breaker.h"
#include "platform/storefront/model/bulkhead.h"
#include "platform/storefront/model/retry_budget.h"

namespace panshi::shop {

class HttpUpstream {
 public:
  struct Options {
    std::string name;  // in messages
    std::string base;  // "http://127.77.2.1:17810"
    Duration timeout = std::chrono::seconds(2);
    Breaker::Options breaker = {.failures_max = 5, .open_for = std::chrono::milliseconds(300)};
    RetryBudget::Options retries = {.percent = 20, .burst = 10};
    std::int64_t concurrent_max = 256;  // calls at once; more are refused
  };
  explicit HttpUpstream(Options options);

  struct Request {
    std::string method = "GET";
    std::string path;
    std::string body = {};
    std::map<std::string, std::string> headers = {};
    MonoTime deadline = MonoTime::max();
  };
  // kUnavailable: surely not acted on (also: breaker open, bulkhead full, deadline passed).
  // kTimeout: unknown.
  Result<HttpReply> call(const Request& request);

  bool closed() const;             // the breaker lets calls through
  std::uint64_t failures() const;  // tries without an answer
  struct Counts {
    std::uint64_t retries = 0;
    std::uint64_t retries_refused = 0;  // for want of a token
    std::uint64_t full = 0;             // refused by the bulkhead
  };
  Counts counts() const;

 private:
  Result<std::unique_ptr<HttpClient>> take(bool again);
  void give_back(std::unique_ptr<HttpClient> client, bool answered);
  Result<HttpReply> try_once(const Request& request, bool again, bool& tried);

  const Options options_;
  mutable std::mutex mutex_;
  Breaker breaker_;
  Bulkhead bulkhead_;
  RetryBudget retries_;
  std::uint64_t failures_ = 0;
  std::vector<std::unique_ptr<HttpClient>> idle_;
};

}  // namespace panshi::shop
