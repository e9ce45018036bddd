// SPDX-License-Identifier: Apache-2.0
// traces: where the time of slow transactions went: one run. Asks every service for the traces that
// were slow there, gathers their spans from all of them and prints each as a tree.
//
//   storefront traces --config FILE [TRACE]
#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/log.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/services.h"

namespace panshi::shop {
namespace {

struct SeenSpan {
  std::string span;
  std::string parent;
  std::string name;
  std::string outcome;
  std::int64_t start_us = 0;
  std::int64_t duration_us = 0;
};
using Spans = std::vector<SeenSpan>;

Result<nlohmann::json> ask(HttpClient& client, const HostPort& service, const std::string& query) {
  ASSIGN_OR_RETURN(
      const HttpReply reply,
      client.send({.url = cat("http://", service.host, ":", service.port, "/spans", query)}));
  if (reply.status != 200) return fail(ErrorCode::kUnavailable, cat("answered ", reply.status));
  return parse_json(reply.body, 16 << 20);
}

Spans gather(HttpClient& client, const TracesConfig& config, const std::string& trace) {
  Spans spans;
  for (const HostPort& service : config.services) {
    const auto answer = ask(client, service, cat("?trace=", trace));
    if (!answer) continue;  // it was named when the slow ones were asked for
    for (const auto& item : answer->value("spans", nlohmann::json::array())) {
      spans.push_back({.span = item.value("span", ""),
                       .parent = item.value("parent", ""),
                       .name = item.value("name", ""),
                       .outcome = item.value("outcome", ""),
                       .start_us = item.value("start_us", std::int64_t{0}),
                       .duration_us = item.value("duration_us", std::int64_t{0})});
    }
  }
  std::sort(spans.begin(), spans.end(),
            [](const SeenSpan& a, const SeenSpan& b) { return a.start_us < b.start_us; });
  return spans;
}

void print_children(const Spans& spans, const std::string& parent, std::int64_t zero_us,
                    const std::string& indent) {
  for (const SeenSpan& span : spans) {
    if (span.parent != parent || span.span == parent) continue;
    const double after = static_cast<double>((span.start_us - zero_us) / 10) / 100;
    const double took = static_cast<double>(span.duration_us / 10) / 100;
    std::cout << indent << "+" << after << " ms  " << took << " ms  " << span.name << "  "
              << span.outcome << "\n";
    print_children(spans, span.span, zero_us, indent + "  ");
  }
}

// Those whose parent nobody knows are the roots: the client's own span, or one forgotten since.
void print_trace(const std::string& trace, Spans spans) {
  std::set<std::string> known;
  for (const SeenSpan& span : spans) known.insert(span.span);
  for (SeenSpan& span : spans) {
    if (!known.contains(span.parent)) span.parent.clear();
  }
  std::cout << "trace " << trace << "\n";
  if (!spans.empty()) print_children(spans, "", spans.front().start_us, "  ");
}

}  // namespace

int run_traces(const RoleContext& context) {
  const auto read = read_config<TracesConfig>(context, read_traces_config);
  if (!read.config) return read.exit_status;
  if (context.arguments.size() > 1) {
    log_error("traces wants at most one word: the id of a trace");
    return kExitUsage;
  }
  HttpClient client;
  std::set<std::string> wanted(context.arguments.begin(), context.arguments.end());
  bool all_answered = true;
  for (const HostPort& service : read.config->services) {
    const auto slow = ask(client, service, "");
    if (!slow) {
      log_warn(cat(service.host, ":", service.port, ": ", slow.error().message));
      all_answered = false;
    } else if (context.arguments.empty()) {
      for (const auto& trace : slow->value("slow", nlohmann::json::array())) {
        wanted.insert(trace.get<std::string>());
      }
    }
  }
  for (const std::string& trace : wanted) {
    print_trace(trace, gather(client, *read.config, trace));
  }
  if (wanted.empty()) std::cout << "nothing was slow\n";
  return all_answered ? kExitOk : kExitFailed;
}

}  // namespace panshi::shop
