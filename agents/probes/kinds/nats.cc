// SPDX-License-Identifier: Apache-2.0
// nats: one stream and one consumer of it, as /jsz of a server's monitoring port has them.
#include "agents/probes/kinds/parts.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

const json* member(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? &*found : nullptr;
}

double number(const json* value) { return value && value->is_number() ? value->get<double>() : 0; }

const json* named(const json* list, const std::string& name) {
  if (!list || !list->is_array()) return nullptr;
  for (const json& item : *list) {
    const json* its_name = member(item, "name");
    if (its_name && *its_name == name) return &item;
  }
  return nullptr;
}

const json* find_stream(const json& document, const std::string& name) {
  const json* accounts = member(document, "account_details");
  if (!accounts || !accounts->is_array()) return nullptr;
  for (const json& account : *accounts) {
    if (const json* stream = named(member(account, "stream_detail"), name)) return stream;
  }
  return nullptr;
}

// "" for none. A server that is no part of a cluster leads all that it has, and has no `cluster`.
std::optional<std::string> leader_of(const json& stream) {
  const json* cluster = member(stream, "cluster");
  if (!cluster) return std::nullopt;
  const json* leader = member(*cluster, "leader");
  return leader && leader->is_string() ? leader->get<std::string>() : "";
}

void add_consumer(const ProbeTarget& target, const json& stream, ProbeAnswer& answer) {
  if (target.consumer.empty()) return;
  const json* consumer = named(member(stream, "consumer_detail"), target.consumer);
  if (!consumer) {
    if (answer.reason.empty()) answer.reason = cat("no consumer `", target.consumer, "` here");
    return;
  }
  const double pending = number(member(*consumer, "num_pending"));
  answer.values.emplace_back("pending", pending);
  answer.values.emplace_back("unacknowledged", number(member(*consumer, "num_ack_pending")));
  if (!answer.reason.empty() || target.pending_max < 0) return;
  if (pending > static_cast<double>(target.pending_max)) {
    answer.reason = cat(pending, " messages wait, ", target.pending_max, " are allowed");
  }
}

}  // namespace

void read_nats(Fields& in, ProbeTarget& target) {
  read_url(in, target);
  if (target.path != "/" && !target.path.empty()) {
    in.problem("url", "is that of the monitoring port, without a path");
  }
  target.path = "/jsz?streams=true&consumers=true";
  in.need("stream", target.stream);
  in.may("consumer", target.consumer);
  in.may("server", target.server);
  in.may("pending_max", target.pending_max, {0, 1'000'000'000});
  if (target.pending_max >= 0 && target.consumer.empty()) {
    in.problem("pending_max", "needs a `consumer`");
  }
}

ProbeAnswer judge_nats(const ProbeTarget& target, const std::string& body) {
  const auto document = parse_json(body);
  if (!document) return {cat("the answer is no JSON: ", document.error().message), {}};
  const json* stream = find_stream(*document, target.stream);
  if (!stream) return {cat("no stream `", target.stream, "` on this server"), {}};
  ProbeAnswer answer;
  const auto leader = leader_of(*stream);
  if (leader == "") {
    answer.reason = "the stream has no leader";
  } else if (leader && !target.server.empty() && *leader != target.server) {
    answer.reason = cat("`", *leader, "` leads the stream");
  }
  answer.values.emplace_back("leader", answer.reason.empty());
  if (const json* state = member(*stream, "state")) {
    answer.values.emplace_back("messages", number(member(*state, "messages")));
  }
  add_consumer(target, *stream, answer);
  return answer;
}

}  // namespace panshi::agent
