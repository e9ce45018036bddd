// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet/take_over.h"

#include <algorithm>
#include <cctype>

#include "controller/events/event_data.h"
#include "controller/fleet/agent_session.h"
#include "controller/fleet/fleet.h"
#include "controller/limits.h"
#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/json/fields.h"
#include "core/model/epoch.h"

namespace panshi::controller {
namespace {

constexpr std::int64_t kNumberMax = 1'000'000'000'000;  // no counter comes so far

Result<nlohmann::json> status_of(const InventoryNode& node,
                                 const std::shared_ptr<const TlsFiles>& tls) {
  HttpCall call;
  std::string token;
  call.url = node.url + "/v1/status";
  if (auto ready = address_to_agent(call, node.name, node.token_file, tls, token); !ready) {
    return tl::unexpected(ready.error());
  }
  call.timeout = limits::kAttemptMax;
  call.body_max = limits::kAnswerMax;
  HttpClient client;
  ASSIGN_OR_RETURN(const HttpReply reply, client.send(call));
  if (reply.status != 200) return fail(ErrorCode::kUnavailable, words_of(reply));
  return parse_json(reply.body, limits::kAnswerMax);
}

std::int64_t epoch_in(const nlohmann::json& status) {
  return std::max<std::int64_t>(0, integer_of(status, "epoch").value_or(0));
}

void take_in(const nlohmann::json& status, TakeOver& all) {
  for (const char* key : {"faults", "actions"}) {
    for (const auto& one : status.value(key, nlohmann::json::array())) {
      if (!one.is_object()) continue;
      all.ids = std::max(all.ids, highest_number_in(one.value("id", std::string())));
    }
  }
}

}  // namespace

std::int64_t highest_number_in(const std::string& id) {
  std::int64_t highest = 0;
  std::int64_t number = 0;
  const auto take = [&] {  // a number is over: one that is no counter of ours says nothing
    if (number < kNumberMax) highest = std::max(highest, number);
    number = 0;
  };
  for (const char c : id) {
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (digit) number = std::min(kNumberMax, number * 10 + (c - '0'));
    if (!digit) take();
  }
  take();
  return highest;
}

std::int64_t believed_epoch(const std::map<std::string, std::int64_t>& said,
                            std::vector<std::string>& doubted) {
  if (said.empty()) return 0;
  std::vector<std::int64_t> sorted;
  for (const auto& [node, epoch] : said) sorted.push_back(epoch);
  std::ranges::sort(sorted);
  const std::int64_t middle = sorted[(sorted.size() - 1) / 2];
  std::int64_t highest = 0;
  for (const auto& [node, epoch] : said) {
    if (epoch - middle <= kEpochJumpMax) {
      highest = std::max(highest, epoch);
    } else {
      doubted.push_back(cat(node, ": says epoch ", epoch, ", which no other agent would follow"));
    }
  }
  return highest;
}

Result<TakeOver> ask_agents(const Inventory& inventory,
                            const std::shared_ptr<const TlsFiles>& tls) {
  TakeOver all;
  std::map<std::string, std::int64_t> epochs;
  for (const auto& [name, node] : inventory.nodes) {
    const auto status = status_of(node, tls);
    if (status && status->is_object()) {
      take_in(*status, all);
      epochs[name] = epoch_in(*status);
    } else {
      all.silent.push_back(cat(name, ": ", status ? "not a status" : status.error().message));
    }
  }
  all.epoch = believed_epoch(epochs, all.doubted);
  if (all.silent.size() < inventory.nodes.size()) return all;
  return fail(
      ErrorCode::kUnavailable,
      cat("--take-over: no agent answers, so nothing is taken over\n  ", join(all.silent, "\n  ")));
}

}  // namespace panshi::controller
