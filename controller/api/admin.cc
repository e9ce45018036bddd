// SPDX-License-Identifier: Apache-2.0
// The part of the API that admins alone may use: tokens, and the audit log of us and of agents.
#include "controller/api/api.h"
#include "controller/api/query.h"
#include "controller/limits.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::controller {

Api::Answer Api::tokens(const Request&) {
  nlohmann::json list = nlohmann::json::array();
  for (const Token& token : parts_.tokens.list()) list.push_back(to_json(token));
  return nlohmann::json{{"tokens", std::move(list)}};
}

Api::Answer Api::make_token(const Request& request) {
  ASSIGN_OR_RETURN(const nlohmann::json body, parse_json(request.body, limits::kBodyMax));
  Problems problems;
  Fields in(body, "", problems);
  Token token;
  Duration valid = TokenBook::kDefaultValid;
  in.need("name", token.name);
  in.need("role", token.role);
  in.may("only", token.only);
  in.may("valid", valid, {std::chrono::seconds(1), TokenBook::kValidMax});
  in.done();
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  const WallTime now = parts_.anchored.now();
  token.until = now + valid;
  token.made_by = request.caller.who;
  ASSIGN_OR_RETURN(const std::string text, parts_.tokens.make(token, now));
  nlohmann::json answer = to_json(token);
  answer["made_us"] = now.time_since_epoch().count();
  answer["token"] = text;
  return answer;
}

Api::Answer Api::revoke_token(const Request& request) {
  const std::string& name = request.captures.at(0);
  if (auto revoked = parts_.tokens.revoke(name); !revoked) return tl::unexpected(revoked.error());
  return nlohmann::json{{"name", name}};
}

Api::Answer Api::audit(const Request& request) {
  ASSIGN_OR_RETURN(const auto after, query_number(request, "after", 0, {0, INT64_MAX}));
  ASSIGN_OR_RETURN(const auto limit, query_number(request, "limit", limits::kAuditPageMax,
                                                  {1, limits::kAuditPageMax}));
  const std::string node = query_text(request, "node");
  if (!node.empty()) {
    const auto catalog = parts_.catalog.read();
    if (!catalog->inventory.nodes.contains(node)) return unknown_node(catalog->inventory, node);
    return parts_.fleet.ask(node, cat("/v1/audit?after=", after, "&limit=", limit), kAgentPatience);
  }
  ASSIGN_OR_RETURN(const auto lines, parts_.audit.read(after, static_cast<std::size_t>(limit)));
  return nlohmann::json{{"lines", lines}};
}

}  // namespace panshi::controller
