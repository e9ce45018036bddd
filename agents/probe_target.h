// SPDX-License-Identifier: Apache-2.0
// ProbeTarget: what one probe asks, and where. Which fields count depends on its kind
// (agents/probes/kinds/).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "core/base/clock.h"
#include "core/io/peer_user.h"
#include "core/io/secret.h"

namespace panshi::agent {

struct ProbeTarget {
  std::string kind;  // a row of probe_kinds()
  std::string host;
  std::uint16_t port = 0;
  bool https = false;
  // https: PEM of who signs its certificate; "": the machine's list. sql, mariadb: the same, by
  // TLS; "": in clear.
  std::string authority;
  std::string socket;       // sql, mariadb: a Unix socket in place of host and port
  bool unchecked = false;   // https: any certificate will do
  std::string server_name;  // https: whom the certificate must name; "": the address
  std::string path;         // http, nats, prometheus: of the request; disk: a folder
  // http: signal -> JSON pointer into the answer; prometheus: signal -> name and labels
  std::map<std::string, std::string> pointers;
  std::string user;
  Secret password;
  PasswordRules rules;             // redis, sql, mariadb: who may hear it
  std::string database;            // sql
  std::string query = "SELECT 1";  // sql; may not change anything

  // What is expected beyond an answer; the defaults expect nothing.
  std::string role;               // mariadb, redis-cluster: primary | replica
  Duration lag_max{};             // mariadb; 0: any
  std::string stream;             // nats
  std::string consumer;           // nats
  std::string server;             // nats: the one that must lead
  std::int64_t pending_max = -1;  // nats; -1: any
  std::string resource;           // pressure: cpu | memory | io
  double percent_min = 0;         // disk, memory: of what must be free
  double percent_max = 100;       // pressure: of the time that somebody waited
};

}  // namespace panshi::agent
