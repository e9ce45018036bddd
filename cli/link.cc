// SPDX-License-Identifier: Apache-2.0
// panshi link list | reroute | drain | undrain | weights
#include <charconv>

#include "cli/exit_codes.h"
#include "cli/outcome.h"
#include "cli/show.h"
#include "cli/summary.h"
#include "core/base/text.h"
#include "core/model/forms.h"

namespace panshi::cli {
namespace {

int list(Invocation& invocation) {
  return show_list(invocation, "/api/v1/links", "links",
                   {{"node", "node"},
                    {"link", "name"},
                    {"listens on", "listen"},
                    {"leads to", "upstream"},
                    {"upstreams and their connections", "upstreams", upstreams_text},
                    {"down", "down"},
                    {"toxics", "toxics"}},
                   "no links");
}

int reroute(Invocation& invocation) {
  const nlohmann::json body = {{"node", invocation.text("--node")},
                               {"link", invocation.text("--link")},
                               {"to", invocation.text("--to")},
                               {"established", invocation.text("--established", "drain")}};
  return order(invocation, "/api/v1/links/reroute", body, [&] {
    return cat("link ", invocation.text("--link"), " of ", invocation.text("--node"), " leads to ",
               invocation.text("--to"));
  });
}

nlohmann::json upstream_of(const Invocation& invocation) {
  return {{"node", invocation.text("--node")},
          {"link", invocation.text("--link")},
          {"upstream", invocation.text("--upstream")}};
}

int drain(Invocation& invocation) {
  nlohmann::json body = upstream_of(invocation);
  body["within"] = invocation.text("--within", "30s");
  return order(invocation, "/api/v1/links/drain", body, [&] {
    return cat("upstream ", invocation.text("--upstream"),
               " gets no new connections; what is open ", "has ",
               invocation.text("--within", "30s"));
  });
}

int undrain(Invocation& invocation) {
  return order(invocation, "/api/v1/links/undrain", upstream_of(invocation), [&] {
    return cat("upstream ", invocation.text("--upstream"), " may get connections again");
  });
}

// "a=3,b=1"
int weights(Invocation& invocation) {
  nlohmann::json weights = nlohmann::json::object();
  for (const std::string& item : comma_list(invocation.text("--set"))) {
    const std::size_t equals = item.find('=');
    int weight = -1;
    if (equals != std::string::npos) {
      const char* end = item.data() + item.size();
      const auto read = std::from_chars(item.data() + equals + 1, end, weight);
      if (read.ec != std::errc() || read.ptr != end) weight = -1;
    }
    if (weight < 0) {
      invocation.terminal.error(cat("--set: `", item, "` must be like standby=3"));
      return kUsage;
    }
    weights[item.substr(0, equals)] = weight;
  }
  const nlohmann::json body = {{"node", invocation.text("--node")},
                               {"link", invocation.text("--link")},
                               {"weights", weights}};
  return order(invocation, "/api/v1/links/weights", body, [&] {
    return cat("link ", invocation.text("--link"), " of ", invocation.text("--node"),
               " draws connections by weight");
  });
}

}  // namespace

std::vector<Command> link_commands() {
  return {{"link", "list", "List the links and where they lead.", "panshi link list", {}, list},
          {"link",
           "reroute",
           "Lead a link to another of its upstreams.",
           "panshi link reroute --node app-1 --link cardkeys --to standby --established reset",
           {{"--node", "NODE", "whose link", true},
            {"--link", "LINK", "name of the link", true},
            {"--to", "UPSTREAM", "name of the upstream", true},
            {"--established", "HOW", "drain (default) or reset open connections"}},
           reroute},
          {"link",
           "drain",
           "Give an upstream no new connections, and reset what is open after a while.",
           "panshi link drain --node app-1 --link cardkeys --upstream primary --within 30s",
           {{"--node", "NODE", "whose link", true},
            {"--link", "LINK", "name of the link", true},
            {"--upstream", "UPSTREAM", "name of the upstream", true},
            {"--within", "TIME", "how long open connections may live on (default 30s)"}},
           drain},
          {"link",
           "undrain",
           "Let a drained upstream get connections again.",
           "panshi link undrain --node app-1 --link cardkeys --upstream primary",
           {{"--node", "NODE", "whose link", true},
            {"--link", "LINK", "name of the link", true},
            {"--upstream", "UPSTREAM", "name of the upstream", true}},
           undrain},
          {"link",
           "weights",
           "Draw the connections of a link over its upstreams by weight.",
           "panshi link weights --node app-1 --link cardkeys --set primary=3,standby=1",
           {{"--node", "NODE", "whose link", true},
            {"--link", "LINK", "name of the link", true},
            {"--set", "WEIGHTS", "upstream=weight, separated by commas", true}},
           weights}};
}

}  // namespace panshi::cli
