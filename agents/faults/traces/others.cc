// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/queue/admin.h"
#include "agents/faults/queue/message_mark.h"
#include "agents/faults/traces/rows.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr std::int64_t kStreamsMax = 1'000;
constexpr std::size_t kSubjectsMax = 100;  // of a stream; one with more is no stream of a filling

struct Filling {
  std::string stream;
  std::string subject;
  std::string fault;
};

// Headers are told as base64.
std::string from_base64(const std::string& text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == kDigits.npos) break;  // padding
    held = (held << 6U | static_cast<unsigned>(digit)) & 0xffffU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(held >> bits & 0xffU);
  }
  return bytes;
}

// Which fault the newest message of a subject says that it is of; "" for none.
Result<std::string> last_fault(NatsSession& session, const std::string& stream,
                               const std::string& subject) {
  ASSIGN_OR_RETURN(const json last,
                   session.ask(cat("STREAM.MSG.GET.", stream), {{"last_by_subj", subject}}));
  const json message = last.value("message", json::object());
  for (const std::string& line : split(from_base64(message.value("hdrs", std::string())), '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.substr(0, colon) != kMessageMark) continue;
    std::string value = line.substr(colon + 1);
    std::erase_if(value, [](char c) { return c == ' ' || c == '\r'; });
    return value;
  }
  return std::string();
}

Result<std::vector<std::string>> stream_names(NatsSession& session) {
  std::vector<std::string> names;
  for (std::int64_t seen = 0; seen < kStreamsMax;) {
    ASSIGN_OR_RETURN(const json page, session.ask("STREAM.NAMES", {{"offset", seen}}));
    const json streams = page.value("streams", json::array());
    if (!streams.is_array() || streams.empty()) break;  // null: none
    for (const json& each : streams) names.push_back(each.get<std::string>());
    seen += static_cast<std::int64_t>(streams.size());
    if (seen >= page.value("total", std::int64_t{0})) break;
  }
  return names;
}

// Subjects whose newest message says that it is of a fault.
Result<std::vector<Filling>> fillings(NatsSession& session) {
  std::vector<Filling> all;
  ASSIGN_OR_RETURN(const auto names, stream_names(session));
  for (const std::string& stream : names) {
    ASSIGN_OR_RETURN(const json info,
                     session.ask(cat("STREAM.INFO.", stream), {{"subjects_filter", ">"}}));
    const json subjects = info.value("state", json::object()).value("subjects", json::object());
    if (!subjects.is_object() || subjects.size() > kSubjectsMax) continue;
    for (const auto& [subject, count] : subjects.items()) {
      const auto fault = last_fault(session, stream, subject);  // an error: it was taken meanwhile
      if (fault && !fault->empty()) all.push_back({stream, subject, *fault});
    }
  }
  return all;
}

Status purge(const std::string& service, const Filling& filling, Host& host) {
  ASSIGN_OR_RETURN(const auto session, open_nats(host, service));
  ASSIGN_OR_RETURN(
      [[maybe_unused]] const auto purged,
      session->ask(cat("STREAM.PURGE.", filling.stream), {{"filter", filling.subject}}));
  return {};
}

std::string text_at(const json& status, const char* name) {
  const auto found = status.find(name);
  return found != status.end() && found->is_string() ? found->get<std::string>() : "";
}

Status end_surge(const std::string& service, const std::string& by, Host& host) {
  ASSIGN_OR_RETURN([[maybe_unused]] const json told,
                   host.control_load(service, "/surge/end", {{"by", by}}));
  return {};
}

}  // namespace

void find_queue(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for (const std::string& service : host.nats_services()) {
    const auto session = open_nats(host, service);
    const auto all = session ? fillings(**session) : Result<std::vector<Filling>>();
    if (!session || !all) continue;
    for (const Filling& each : *all) {
      if (is_live(view, each.fault)) continue;
      found.push_back(
          {.what = cat("messages of fault ", each.fault, " in stream ", each.stream, " of service ",
                       service),
           .why = "no fault of that id is in force",
           .clear_hint = cat("nats stream purge ", each.stream, " --subject ", each.subject),
           .clear = [&host, service, each] { return purge(service, each, host); }});
    }
  }
}

// The fault is refused where messages of the subject are: all of them are the fault's.
Status clear_queue(const FaultRequest& request, Host& host, Done& done) {
  const Filling filling{request.text("stream"), request.text("subject"), request.id};
  if (auto purged = purge(request.target, filling, host); !purged) return purged;
  done.push_back(cat("messages of ", filling.subject, " purged from ", filling.stream));
  return {};
}

void find_load(const FsckView& view, Host& host, std::vector<Leftover>& found) {
  for (const std::string& service : host.load_services()) {
    const auto status = host.control_load(service, "/status", nullptr);
    const std::string by = status ? text_at(*status, "surge") : "";
    if (by.empty() || is_live(view, by)) continue;
    found.push_back({.what = cat("surge of fault ", by, " at service ", service),
                     .why = "no fault of that id is in force; it ends by itself in a moment",
                     .clear_hint = cat("POST /surge/end {\"by\":\"", by, "\"} to the generator"),
                     .clear = [&host, service, by] { return end_surge(service, by, host); }});
  }
}

Status clear_load(const FaultRequest& request, Host& host, Done& done) {
  ASSIGN_OR_RETURN(const json status, host.control_load(request.target, "/status", nullptr));
  if (status.contains("surge")) {
    if (auto ended = end_surge(request.target, request.id, host); !ended) return ended;
    done.push_back(cat("the surge at ", request.target, " has ended"));
    return {};
  }
  return fail(ErrorCode::kRefused, cat("the rate of ", request.target,
                                       " before the fault is not known: set it, or restart it"));
}

StateLines queue_state(const std::string& service, Host& host) {
  ASSIGN_OR_RETURN(const auto session, open_nats(host, service));
  ASSIGN_OR_RETURN(const auto all, fillings(*session));
  std::vector<std::string> lines;
  for (const Filling& each : all) {
    lines.push_back(cat("stream ", each.stream, " holds messages of fault ", each.fault));
  }
  return lines;
}

// A plan changes the rate by itself.
StateLines load_state(const std::string& service, Host& host) {
  ASSIGN_OR_RETURN(const json status, host.control_load(service, "/status", nullptr));
  std::vector<std::string> lines;
  if (status.value("plan_step", 0) == 0 && status.contains("rate")) {
    lines.push_back(cat("rate ", status.at("rate").dump()));
  }
  return lines;
}

}  // namespace panshi::agent
