// SPDX-License-Identifier: Apache-2.0
// panshi link list | reroute
#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"

namespace panshi::cli {
namespace {

int list(Invocation& invocation) {
  return show_list(invocation, "/api/v1/links", "links",
                   {{"node", "node"},
                    {"link", "name"},
                    {"listens on", "listen"},
                    {"leads to", "upstream"},
                    {"connections", "connections"},
                    {"down", "down"},
                    {"toxics", "toxics"}},
                   "no links");
}

int reroute(Invocation& invocation) {
  const nlohmann::json body = {{"node", invocation.text("--node")},
                               {"link", invocation.text("--link")},
                               {"to", invocation.text("--to")},
                               {"established", invocation.text("--established", "drain")}};
  return act(invocation, "/api/v1/links/reroute", body, [&](const nlohmann::json&) {
    return cat("link ", invocation.text("--link"), " of ", invocation.text("--node"), " leads to ",
               invocation.text("--to"));
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
           reroute}};
}

}  // namespace panshi::cli
