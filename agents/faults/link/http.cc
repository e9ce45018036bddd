// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/link/http.h"

#include <algorithm>

#include "agents/faults/link/toxics.h"
#include "agents/links/link_table.h"

namespace panshi::agent {
namespace {

Toxic on_requests(Toxic::Kind kind, const FaultRequest& request) {
  Toxic toxic{.kind = kind, .toxicity = request.percent("share") / 100};
  toxic.http = HttpRule{.method = request.text("method"), .path = request.text("path")};
  return toxic;
}

}  // namespace

std::unique_ptr<Fault> make_http_body(const FaultRequest& request, Host& host) {
  Toxic toxic = on_requests(Toxic::Kind::kHttpBody, request);
  toxic.http->body = request.text("body");
  return make_link_fault(request, toxic, host);
}

std::unique_ptr<Fault> make_http_delay(const FaultRequest& request, Host& host) {
  Toxic toxic = on_requests(Toxic::Kind::kHttpDelay, request);
  toxic.delay = request.duration("delay");
  return make_link_fault(request, toxic, host);
}

std::unique_ptr<Fault> make_http_header(const FaultRequest& request, Host& host) {
  Toxic toxic = on_requests(Toxic::Kind::kHttpHeader, request);
  toxic.http->header = request.text("header");
  toxic.http->value = request.text("value");
  toxic.http->removes = request.text("action") == "remove";
  toxic.http->on_request = request.text("of") == "request";
  return make_link_fault(request, toxic, host);
}

std::unique_ptr<Fault> make_http_status(const FaultRequest& request, Host& host) {
  Toxic toxic = on_requests(Toxic::Kind::kHttpStatus, request);
  toxic.http->status = static_cast<int>(request.integer("status"));
  toxic.http->body = request.text("body");
  return make_link_fault(request, toxic, host);
}

std::string why_no_http_link(Host& host) {
  if (const std::string why = why_no_link(host); !why.empty()) return why;
  const auto links = host.links()->links();
  const bool any =
      std::any_of(links.begin(), links.end(), [](const LinkState& link) { return link.http; });
  return any ? "" : "no link of this node is declared `protocol: http`";
}

}  // namespace panshi::agent
