// SPDX-License-Identifier: Apache-2.0
#include "agents/api/routes.h"

#include <unistd.h>

#include <charconv>
#include <mutex>

#include "agents/actions/action_desk.h"
#include "agents/api/epoch_gate.h"
#include "agents/api/event_feed.h"
#include "agents/faults/fault_book.h"
#include "agents/faults/process/target_processes.h"
#include "agents/limits.h"
#include "agents/links/link_table.h"
#include "agents/supervisor/service_files.h"
#include "core/access/access.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "core/model/headers.h"
#include "core/model/target.h"

#ifndef PANSHI_VERSION
#define PANSHI_VERSION "unknown"
#endif

namespace panshi::agent {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// The last moment at which ages in the body may be taken.
HttpResponse stamped(HttpResponse response) {
  const auto now = SystemClock().mono().time_since_epoch();
  response.headers[kSentHeader] = std::to_string(now.count());
  return response;
}

HttpResponse answer(const Result<json>& result, int status = 200) {
  return stamped(result ? json_response(*result, status) : error_response(result.error()));
}

std::int64_t resident_bytes() {
  const std::string text = read_file("/proc/self/statm").value_or("");
  const std::size_t second = text.find(' ') + 1;  // pages: size, resident, …
  std::int64_t pages = 0;
  std::from_chars(text.data() + second, text.data() + text.size(), pages);
  return pages * ::sysconf(_SC_PAGESIZE);
}

json links_json(const LinkTable& links) {
  json list = json::array();
  for (const LinkState& link : links.links()) list.push_back(to_json(link));
  return list;
}

Result<json> status_json(const ApiParts& parts) {
  ASSIGN_OR_RETURN(json services, parts.services());
  ASSIGN_OR_RETURN(json probes, parts.probes());
  ASSIGN_OR_RETURN(json actions, parts.actions.list());
  return json{{"node", parts.config.node},
              {"version", PANSHI_VERSION},
              {"start_id", parts.feed.start_id()},
              {"epoch", parts.epoch.highest()},
              {"boot_id", boot_id()},
              {"services", std::move(services)},
              {"probes", std::move(probes)},
              {"signals", parts.config.signals},
              {"reach", to_json(parts.config.reach)},
              {"insecure", is_insecure(parts.config.security, parts.config.address)},
              {"links", links_json(parts.links)},
              {"faults", parts.faults.list()},
              {"actions", std::move(actions)},
              {"rss_bytes", resident_bytes()}};
}

EpochCaller caller_of(const HttpRequest& request) {
  return {.controller = request.header(kControllerHeader),
          .start = request.header(kControllerStartHeader),
          .takes_over = request.header(kTakeOverHeader) == "1"};
}

// A controller that calls from one of this machine's addresses listens here, too.
void note_place(const ApiParts& parts, const HttpRequest& request) {
  const std::string at = request.header(kControllerAtHeader);
  if (at.empty()) return;
  const auto place = parse_host_port(at);
  const bool here = place && is_own_address(request.remote_address);
  parts.host.machine().scope().controller->note(here ? *place : HostPort());
}

// What every verb goes through: a body that is JSON with an epoch that is not over.
Result<json> admit(const ApiParts& parts, const HttpRequest& request) {
  if (parts.stopping) return fail(ErrorCode::kUnavailable, "the agent is stopping");
  ASSIGN_OR_RETURN(json body, parse_json(request.body, limits::kBodyMax));
  Problems problems;
  std::int64_t epoch = 0;
  Fields in(body, "", problems);
  in.need("epoch", epoch, {0, INT64_MAX});
  if (!problems.empty()) return tl::unexpected(problems.error());
  const EpochCaller caller = caller_of(request);
  for (const std::string& word : {caller.controller, caller.start}) {
    if (word.empty() || is_id(word)) continue;
    return fail(ErrorCode::kInvalid,
                cat(word == caller.start ? kControllerStartHeader : kControllerHeader,
                    " is not [A-Za-z0-9_.-]{1,128}"));
  }
  if (auto admitted = parts.epoch.admit(static_cast<std::uint64_t>(epoch), caller); !admitted) {
    return tl::unexpected(admitted.error());
  }
  note_place(parts, request);
  return body;
}

// Reverting is also for people, on this machine or with revert.token, who have no epoch.
Result<json> admit_revert(const ApiParts& parts, const HttpRequest& request) {
  const bool controller = !request.uid && (request.caller.rights & kInject) != 0;
  if (controller) return admit(parts, request);
  return parse_json(request.body, limits::kBodyMax);
}

struct PollBody {
  PollRequest poll;
  Duration lease{};
  std::vector<std::string> renew;
};

void read_watch(const json& item, const std::string& path, Problems& problems,
                std::vector<Comparison>& out) {
  static const std::vector<std::string> kSigns = {">", ">=", "<", "<=", "==", "!="};
  Fields in(item, path, problems);
  Comparison watch;
  in.need("signal", watch.signal);
  in.need_word("is", watch.is, kSigns);
  in.need("value", watch.value);
  in.done();
  out.push_back(std::move(watch));
}

Result<PollBody> read_poll(const json& text) {
  Problems problems;
  Fields in(text, "", problems);
  PollBody body;
  std::int64_t epoch = 0;
  std::int64_t after = 0;
  std::int64_t wait_ms = 0;
  std::int64_t lease_ms = 0;
  in.need("epoch", epoch);
  in.may("start_id", body.poll.start_id);
  in.may("after", after, {0, INT64_MAX});
  in.need("wait_ms", wait_ms, {0, milliseconds(limits::kPollWaitMax / 1ms).count()});
  in.may("renew", body.renew);
  if (body.renew.empty()) {
    in.may("lease_ms", lease_ms, {0, INT32_MAX});
  } else {
    in.need("lease_ms", lease_ms, {1, INT32_MAX});
  }
  in.may_each("watch", [&](const json& item, const std::string& path) {
    read_watch(item, path, problems, body.poll.watches);
  });
  in.done();
  if (body.renew.size() > limits::kRenewMax) in.problem("renew", "is too long");
  if (body.poll.watches.size() > limits::kWatchesMax) in.problem("watch", "is too long");
  if (!problems.empty()) return tl::unexpected(problems.error());
  body.poll.after = static_cast<std::uint64_t>(after);
  body.poll.wait = milliseconds(wait_ms);
  body.lease = milliseconds(lease_ms);
  return body;
}

HttpResponse poll(const ApiParts& parts, const HttpRequest& request) {
  const auto admitted = admit(parts, request);
  if (!admitted) return error_response(admitted.error());
  const auto body = read_poll(*admitted);
  if (!body) return error_response(body.error());
  if (!body->renew.empty()) {
    if (auto renewed = parts.faults.renew(body->renew, body->lease); !renewed) {
      return error_response(renewed.error());
    }
  }
  HttpResponse response;
  response.body = parts.feed.poll(body->poll);
  return stamped(std::move(response));
}

Result<json> put_fault(const ApiParts& parts, const HttpRequest& request) {
  ASSIGN_OR_RETURN(const json body, admit(parts, request));
  ASSIGN_OR_RETURN(const FaultOrder order, FaultOrder::from_json(request.captures.at(0), body));
  return parts.faults.put(order);
}

Result<json> revert_fault(const ApiParts& parts, const HttpRequest& request) {
  ASSIGN_OR_RETURN(const json body, admit_revert(parts, request));
  Problems problems;
  Fields in(body, "", problems);
  std::int64_t epoch = 0;
  in.may("epoch", epoch);
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  return parts.faults.revert(request.captures.at(0));
}

Result<json> clear_fault(const ApiParts& parts, const HttpRequest& request) {
  ASSIGN_OR_RETURN(const json body, admit(parts, request));
  Problems problems;
  Fields in(body, "", problems);
  std::int64_t epoch = 0;
  FaultOrder order{
      .id = request.captures.at(0), .kind = {}, .target = {}, .params = {}, .drill = {}};
  in.need("epoch", epoch);
  in.need("kind", order.kind);
  if (const auto* target = in.need_value("target")) order.target = *target;
  if (const auto* params = in.may_value("params")) order.params = *params;
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  return parts.faults.clear_lost(order);
}

Result<json> revert_all(const ApiParts& parts, const HttpRequest& request) {
  ASSIGN_OR_RETURN(const json body, admit_revert(parts, request));
  Problems problems;
  Fields in(body, "", problems);
  std::int64_t epoch = 0;
  std::string reason;
  in.may("epoch", epoch);
  in.may("reason", reason);
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  return parts.faults.revert_all("revert_all").to_json();
}

Result<json> put_action(const ApiParts& parts, const HttpRequest& request) {
  ASSIGN_OR_RETURN(json body, admit(parts, request));
  body.erase("epoch");  // a restarted controller asks for the same action with a higher one
  return parts.actions.put(request.captures.at(0), body);
}

Result<json> clear_leftovers(const ApiParts& parts, const HttpRequest& request) {
  ASSIGN_OR_RETURN(const json body, admit_revert(parts, request));
  Problems problems;
  Fields in(body, "", problems);
  std::int64_t epoch = 0;
  in.may("epoch", epoch);
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  return parts.faults.clear_leftovers().to_json();
}

// It reads the whole table of processes: one at a time, so that a reader keeps no poll waiting.
Result<json> fsck_json(const FaultBook& faults) {
  static std::mutex one_at_a_time;
  const std::unique_lock lock(one_at_a_time, std::try_to_lock);
  if (!lock) return fail(ErrorCode::kUnavailable, "another fsck is under way; try again");
  json leftovers = json::array();
  for (const Leftover& leftover : faults.fsck()) leftovers.push_back(to_json(leftover));
  return json{{"leftovers", std::move(leftovers)}};
}

// Which processes a target without a service's name means now: {"processes":[{"pid"}]}. Nothing is
// touched; refused as the fault would be.
Result<json> chosen_processes(const ApiParts& parts, const HttpRequest& request) {
  for (const char* selector : kProcessSelectors) {
    const auto named = request.query.find(selector);
    if (named == request.query.end()) continue;
    const FaultRequest target{
        .id = "", .target = named->second, .params = {}, .target_key = selector};
    ASSIGN_OR_RETURN(const TargetProcesses found, find_processes(target, parts.host));
    json processes = json::array();
    for (const auto& each : found.all) processes.push_back({{"pid", each.pid}});
    return json{{"processes", std::move(processes)}};
  }
  return fail(ErrorCode::kInvalid, "say which: ?process=NAME, ?cgroup=PATH or ?unit=NAME");
}

Result<json> named(const char* name, Result<json> list) {
  if (!list) return list;
  return json{{name, std::move(*list)}};
}

Result<json> audit_lines(const ApiParts& parts, const HttpRequest& request) {
  const auto number = [&](const char* key, std::int64_t otherwise, std::int64_t most) {
    const auto given = request.query.find(key);
    const auto value = given == request.query.end() ? otherwise : parse_integer(given->second);
    return value ? std::clamp<std::int64_t>(*value, 0, most) : otherwise;
  };
  const std::int64_t after = number("after", 0, INT64_MAX);
  const std::int64_t limit = number("limit", limits::kAuditPageMax, limits::kAuditPageMax);
  return named("lines", parts.audit.read(after, static_cast<std::size_t>(limit)));
}

}  // namespace

void add_routes(HttpServer& server, const ApiParts& parts) {
  using Request = const HttpRequest&;
  server.route_open("GET", "/v1/healthz", [parts](Request) {
    return json_response({{"ok", true}, {"node", parts.config.node}});
  });
  const HttpServer::Needs reads{kRead};
  const HttpServer::Needs reverts{kRevert};
  // It renews leases and acknowledges events many times a second: not noted.
  const HttpServer::Needs polls{kInject, false};
  server.route(
      "GET", "/v1/status", [parts](Request) { return answer(status_json(parts)); }, reads);
  server.route(
      "POST", "/v1/poll", [parts](Request request) { return poll(parts, request); }, polls);
  server.route(
      "GET", "/v1/faults",
      [parts](Request) {
        return json_response({{"faults", parts.faults.list()}});
      },
      reads);
  server.route(
      "GET", "/v1/faults/kinds", [parts](Request) { return json_response(kinds_json(parts.host)); },
      reads);
  server.route(
      "GET", "/v1/processes",
      [parts](Request request) { return answer(chosen_processes(parts, request)); }, reads);
  server.route("PUT", "/v1/faults/{id}",
               [parts](Request request) { return answer(put_fault(parts, request)); }, {kInject});
  server.route(
      "POST", "/v1/faults/{id}/revert",
      [parts](Request request) { return answer(revert_fault(parts, request)); }, reverts);
  server.route(
      "POST", "/v1/faults/{id}/clear",
      [parts](Request request) { return answer(clear_fault(parts, request)); }, reverts);
  server.route(
      "POST", "/v1/revert-all",
      [parts](Request request) { return answer(revert_all(parts, request)); }, reverts);
  server.route(
      "GET", "/v1/fsck", [parts](Request) { return answer(fsck_json(parts.faults)); }, reads);
  server.route(
      "POST", "/v1/fsck/clear",
      [parts](Request request) { return answer(clear_leftovers(parts, request)); }, reverts);
  server.route("PUT", "/v1/actions/{id}",
               [parts](Request request) {
                 const auto action = put_action(parts, request);
                 const bool runs = action && action->at("state") == "running";
                 return answer(action, runs ? 202 : 200);
               },
               {kOperate});
  server.route(
      "GET", "/v1/actions/{id}",
      [parts](Request request) { return answer(parts.actions.get(request.captures.at(0))); },
      reads);
  server.route(
      "GET", "/v1/services",
      [parts](Request) { return answer(named("services", parts.services())); }, reads);
  server.route(
      "GET", "/v1/links",
      [parts](Request) {
        return json_response({{"links", links_json(parts.links)}});
      },
      reads);
  server.route(
      "GET", "/v1/routes", [&server](Request) { return json_response(routes_json(server)); },
      reads);
  server.route("GET", "/v1/audit",
               [parts](Request request) { return answer(audit_lines(parts, request)); }, {kAdmin});
}

}  // namespace panshi::agent
