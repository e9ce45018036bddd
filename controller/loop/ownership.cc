// SPDX-License-Identifier: Apache-2.0
#include "controller/loop/ownership.h"

#include <algorithm>

#include "controller/limits.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using namespace std::chrono_literals;
using Whose = Authority::Whose;

// An honest node has what it offers, and changes it with its configuration. Whoever takes names and
// lets go of them all day writes them into the journal each time.
constexpr std::size_t kClaimsMax = 2 * Samples::kSeriesOfNodeMax;
constexpr Duration kClaimsWithin = 10min;
constexpr std::ptrdiff_t kOfferedMax = 8'192;  // more than 128 probes with 32 signals each

void tell_overstep(Context& context, const std::string& node, const std::string& what,
                   const std::string& text) {
  constexpr std::size_t kToldMax = 100;
  constexpr std::size_t kTextMax = 400;  // bytes
  std::set<std::string>& told = context.memory.overstepped[node];
  if (told.size() >= kToldMax || !told.insert(what.substr(0, kTextMax)).second) return;
  context.emit("agent.overstepped",
               {{"what", what.substr(0, kTextMax)}, {"text", text.substr(0, kTextMax)}},
               {"", "", "", node});
}

// So many of `names` as the node may take; all of them are nobody's.
std::vector<std::string> takeable(Context& context, const std::string& node,
                                  const std::set<std::string>& names) {
  SignalClaims& claims = context.memory.claims[node];
  if (claims.since + kClaimsWithin <= context.now) claims = {.since = context.now};
  const auto owned = context.state.signals.by_node.find(node);
  std::size_t has = owned == context.state.signals.by_node.end() ? 0 : owned->second.size();
  std::vector<std::string> taken;
  for (const std::string& name : names) {
    if (has >= Samples::kSeriesOfNodeMax || claims.count >= kClaimsMax) {
      tell_overstep(context, node, "too many signals", "has more signals than a node may have");
      break;
    }
    ++has;
    ++claims.count;
    taken.push_back(name);
  }
  return taken;
}

void tell_change(Context& context, const std::string& node, const std::vector<std::string>& takes,
                 const std::vector<std::string>& releases) {
  if (takes.empty() && releases.empty()) return;
  context.emit("agent.signals", {{"takes", takes}, {"releases", releases}}, {"", "", "", node});
}

bool is_nobodys(const Context& context, const std::string& node, const std::string& signal) {
  return signal.size() <= limits::kSignalNameMax &&
         context.memory.authority.whose_signal(context.state, node, signal) == Whose::kNobodys;
}

}  // namespace

void overstep(Context& context, const std::string& node, const std::string& what) {
  tell_overstep(context, node, what, cat("spoke of ", what, ", which is not its own"));
}

bool owns_signal(Context& context, const std::string& node, const std::string& signal) {
  const Whose whose = context.memory.authority.whose_signal(context.state, node, signal);
  if (whose == Whose::kAnothers) overstep(context, node, cat("signal ", signal));
  return whose == Whose::kOwn;
}

void settle_offer(Context& context, const std::string& node, const AgentOffer& offer) {
  if (!offer.signals) return;
  const auto looked_at = std::min(std::ssize(*offer.signals), kOfferedMax);
  const std::set<std::string> offered(offer.signals->begin(), offer.signals->begin() + looked_at);
  std::vector<std::string> releases;
  const auto owned = context.state.signals.by_node.find(node);
  if (owned != context.state.signals.by_node.end()) {
    for (const std::string& name : owned->second) {
      if (!offered.contains(name)) releases.push_back(name);
    }
  }
  tell_change(context, node, {}, releases);
  std::set<std::string> free;
  for (const std::string& name : offered) {
    if (is_nobodys(context, node, name)) free.insert(name);
    const Whose whose = context.memory.authority.whose_signal(context.state, node, name);
    if (whose == Whose::kAnothers) overstep(context, node, cat("signal ", name));
  }
  tell_change(context, node, takeable(context, node, free), {});
}

void take_first_sent(Context& context, const AgentEvents& input) {
  std::set<std::string> free;
  for (const auto& sample : input.samples) {
    if (is_nobodys(context, input.node, sample.signal)) free.insert(sample.signal);
  }
  tell_change(context, input.node, takeable(context, input.node, free), {});
}

}  // namespace panshi::controller
