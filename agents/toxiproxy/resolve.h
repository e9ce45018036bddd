// SPDX-License-Identifier: Apache-2.0
// Where a proxy is to listen: "localhost:80", ":80", "db:80" as numbers, in that server's words.
//
// Only a name asks a resolver, for at most kWithin: never on the thread `links`, never under a
// lock.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "agents/links/link_table.h"
#include "agents/toxiproxy/messages.h"

namespace panshi::agent::toxiproxy {

// Whose the sockets of proxies are, as root: nobody's. A port that root holds for whoever asked for
// a proxy would be told what is for root alone, of this agent or of another one on the machine.
constexpr uid_t kProxyAccount = 65'533;

struct ListenPlace {
  std::string numeric;  // "127.0.0.1:80"; "[::]:80" for every address of both families
  std::string shown;    // in errors: "0.0.0.0:80", ":80"
};

inline constexpr Duration kResolveWithin = std::chrono::seconds(1);

// 500 "address 99999: invalid port", "lookup db: …".
Answer<ListenPlace> resolve_listen(const std::string& listen, const LinkTable& links);
// 500 "listen tcp 127.0.0.1:80: bind: address already in use".
Answer<std::shared_ptr<BoundPort>> take_port(const ListenPlace& place);

}  // namespace panshi::agent::toxiproxy
