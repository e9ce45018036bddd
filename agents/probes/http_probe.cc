// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/http_probe.h"

#include <utility>

#include "agents/limits.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr Duration kSlack = std::chrono::milliseconds(20);

HttpCall call_of(const ProbeTarget& target, Duration timeout) {
  HttpCall call;
  call.url = cat(target.https ? "https://" : "http://", target.host, ":", target.port, target.path);
  call.connect_timeout = call.timeout = timeout + kSlack;
  call.body_max = limits::kProbeBodyMax;
  call.one_off = true;
  if (target.https) {
    call.web = std::make_shared<const WebTrust>(WebTrust{target.authority, target.unchecked});
    call.server_name = target.server_name;
  }
  return call;
}

ProbeAnswer judged(const ProbeKind& kind, const ProbeTarget& target,
                   const Result<HttpReply>& reply) {
  if (!reply) return {reply.error().message, {}};
  if (reply->status < 200 || reply->status > 299) return {cat("HTTP ", reply->status), {}};
  if (!kind.judge) return {};
  return kind.judge(target, reply->body);
}

}  // namespace

HttpProbes::HttpProbes()
    : fleet_({.in_flight_max = 2 * limits::kProbesMax, .waiting_max = 2 * limits::kProbesMax}) {}

void HttpProbes::start(const ProbeKind& kind, const ProbeTarget& target, Duration timeout,
                       Done done) {
  fleet_.start(call_of(target, timeout),
               [&kind, target, done = std::move(done)](const Result<HttpReply>& reply) {
                 done(judged(kind, target, reply));
               });
}

}  // namespace panshi::agent
