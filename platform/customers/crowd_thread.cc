// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/crowd_thread.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::shop {
namespace {

constexpr Duration kFlushWithin = std::chrono::milliseconds(50);
constexpr Duration kPublishEvery = std::chrono::milliseconds(100);
constexpr std::size_t kCommandsMax = 1'000;
constexpr std::size_t kIdleConnections = 100;

Answer to_answer(const Result<HttpReply>& reply) {
  if (reply) return {true, reply->status, reply->body, reply->header, join(reply->cookies, "; ")};
  const bool sent = reply.error().code != ErrorCode::kUnavailable;
  return {sent, 0, {}};
}

std::size_t in_flight_max_of(const Crowd::Options& crowd) {
  return crowd.in_flight_max + crowd.fraud_in_flight_max;
}

HttpFleet::Options fleet_options(std::size_t in_flight_max) {
  HttpFleet::Options options;
  options.in_flight_max = in_flight_max;  // a request that waited would hide its latency
  options.waiting_max = in_flight_max;
  // Those under way and, as every customer brings one, the idle ones of the latest customers.
  options.connections_max = in_flight_max + kIdleConnections;
  return options;
}

// Where such a customer sits on this machine: households on 127.240.0.0 and above, others on
// 127.255.
std::string loopback_of(const std::string& address) {
  const std::vector<std::string> parts = split(address, '.');
  if (parts.size() != 4) return address;
  const auto second = parse_integer(parts[1]).value_or(0);
  const std::string place = parts[0] == "10" ? cat(240 + second % 15) : "255";
  return cat("127.", place, ".", parts[2], ".", parts[3]);
}

void add_headers(const Request& request, HttpCall& call) {
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) call.headers[name] = value;
  };
  add("Idempotency-Key", request.key);
  add("X-Device", request.device);
  if (call.local_address.empty()) add("X-Forwarded-For", request.address);
  add("X-Paid-Marker", request.paid_marker);
  add("Cookie", request.cookie);
  if (request.is_form) {
    call.headers["Content-Type"] = "application/x-www-form-urlencoded";
  }
  if (request.step == Step::kPay) call.keep_header = "X-Paid-Marker";
  call.keep_cookies = request.keeps_cookies;
}

}  // namespace

CrowdThread::CrowdThread(Options options, LogFile log, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      log_(std::move(log)),
      inputs_(in_flight_max_of(options_.crowd) + kCommandsMax),
      fleet_(fleet_options(in_flight_max_of(options_.crowd))),
      thread_([this] { run(); }) {}

CrowdThread::~CrowdThread() {
  inputs_.close();
  thread_.join();
}

void CrowdThread::run() {
  Crowd crowd(options_.crowd, now());
  publish(crowd, clock_.mono());
  MonoTime publish_at = clock_.mono();
  while (!inputs_.closed()) {
    const auto inputs = inputs_.take_all(std::min({crowd.next_deadline(), flush_by_, publish_at}));
    const Moment moment = now();
    for (const Input& input : inputs) input(crowd, moment);
    crowd.advance(moment);
    carry_out(crowd.take_effects(), moment);
    if (moment.mono >= flush_by_) (void)flush();
    if (moment.mono >= publish_at || changes_applied_ != changes_made_) {
      (void)flush();
      publish(crowd, moment.mono);
      publish_at = moment.mono + kPublishEvery;
    }
  }
  (void)flush();
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  published_.notify_all();
}

void CrowdThread::carry_out(Crowd::Effects effects, const Moment& now) {
  for (const Record& record : effects.records) log_.append(to_line(record));
  if (!log_.is_flushed()) flush_by_ = std::min(flush_by_, now.mono + kFlushWithin);
  const bool is_safe = effects.requests.empty() || flush();
  for (Crowd::Outgoing& outgoing : effects.requests) {
    if (is_safe) {
      send(std::move(outgoing));
    } else {
      const auto id = outgoing.id;
      (void)inputs_.put([id](Crowd& crowd, const Moment& moment) {
        crowd.answered(id, {false, 0, {}}, moment);
      });
    }
  }
}

bool CrowdThread::flush() {
  flush_by_ = MonoTime::max();
  const Status flushed = log_.flush();
  if (flushed) return true;
  const std::lock_guard lock(mutex_);
  if (log_error_.empty()) log_error(log_error_ = flushed.error().message);
  return false;
}

void CrowdThread::send(Crowd::Outgoing outgoing) {
  HttpCall call;
  call.method = std::move(outgoing.request.method);
  call.url = options_.target + outgoing.request.path;
  call.body = std::move(outgoing.request.body);
  if (options_.binds_addresses) call.local_address = loopback_of(outgoing.request.address);
  add_headers(outgoing.request, call);
  call.timeout = options_.request_timeout;
  call.connect_timeout = std::min(call.connect_timeout, options_.request_timeout);
  call.body_max = 256 << 10;
  // A new customer opens a connection; what he asks later goes over one that is open, as a browser
  // does it (over whichever is free, where they come from one address: to the shop they are alike).
  call.new_connection = outgoing.request.step == Step::kBrowse && outgoing.request.attempt == 1;
  fleet_.start(std::move(call), [this, id = outgoing.id](Result<HttpReply> reply) {
    const bool put = inputs_.put([id, answer = to_answer(reply)](Crowd& crowd, const Moment& now) {
      crowd.answered(id, answer, now);
    });
    CHECK_BUG(put || inputs_.closed());  // room for one answer of each purchase
  });
}

void CrowdThread::publish(Crowd& crowd, MonoTime now) {
  CrowdStatus status = crowd.status(now);
  const std::lock_guard lock(mutex_);
  status_ = std::move(status);
  changes_made_ = changes_applied_;
  published_.notify_all();
}

CrowdStatus CrowdThread::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

std::string CrowdThread::log_error_text() const {
  const std::lock_guard lock(mutex_);
  return log_error_;
}

CrowdStatus CrowdThread::change(Input input) {
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = ++changes_asked_;
  // In the order of their tickets: put() under the lock.
  const bool put = inputs_.put([this, input = std::move(input)](Crowd& crowd, const Moment& now) {
    input(crowd, now);
    ++changes_applied_;
  });
  if (!put) {  // stopping
    --changes_asked_;
    return status_;
  }
  published_.wait(lock, [&] { return stopped_ || changes_made_ >= ticket; });
  return status_;
}

CrowdStatus CrowdThread::pause(Duration drain, Duration lease) {
  const MonoTime give_up = clock_.mono() + drain;
  (void)change([lease](Crowd& crowd, const Moment& now) { crowd.pause(now.mono + lease); });
  std::unique_lock lock(mutex_);
  published_.wait_until(lock, give_up, [&] { return stopped_ || status_.in_flight == 0; });
  return status_;
}

CrowdStatus CrowdThread::resume() {
  return change([](Crowd& crowd, const Moment& now) { crowd.resume(now.mono); });
}

CrowdStatus CrowdThread::change_traffic(const TrafficChange& change_to) {
  return change(
      [change_to](Crowd& crowd, const Moment& now) { crowd.change(change_to, now.mono); });
}

CrowdStatus CrowdThread::surge(const std::string& by, double rate, Duration lease) {
  return change(
      [=](Crowd& crowd, const Moment& now) { crowd.surge(by, rate, now.mono + lease, now.mono); });
}

CrowdStatus CrowdThread::end_surge(const std::string& by) {
  return change([by](Crowd& crowd, const Moment& now) { crowd.end_surge(by, now.mono); });
}

}  // namespace panshi::shop
