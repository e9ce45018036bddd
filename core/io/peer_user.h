// SPDX-License-Identifier: Apache-2.0
// Which user's process holds the other end of a TCP connection on this machine, by the kernel's own
// list (/proc/net/tcp, proc(5)). Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>

#include "core/base/result.h"

namespace panshi {

struct TcpEnd {
  std::string address;  // "127.0.0.1", "::1"
  std::uint16_t port = 0;
};

// kNotFound: no process holds it: it has gone, or is on another machine or in another namespace.
Result<uid_t> user_of_peer(const TcpEnd& peer, const TcpEnd& own);
// Of a connection that we opened: who accepted it, or else who listens there. Errors as before.
Result<uid_t> user_of_server(const TcpEnd& server, const TcpEnd& own);
Result<uid_t> user_of_listener(const TcpEnd& at);
// Whom a password may be told in the clear: on this machine root, our own user and `accounts`; what
// is on another one, where nobody can tell, only if it is `insecure`.
struct PasswordRules {
  std::set<uid_t> accounts = {};
  bool insecure = false;
};
// Before it goes out over `connection`, which we opened. kRefused says who is there, and which key
// of a configuration (`account`, `insecure`) permits it.
Status check_server(int connection, const PasswordRules& rules);
// False: it is certainly one of another machine. Names are not looked up.
bool may_be_here(const std::string& host);
// Who listens at `at`, or at every address with its port.
Result<uid_t> listener_in_table(const std::string& table, const TcpEnd& at);
// The same in the kernel's words. Pure.
Result<uid_t> user_in_table(const std::string& table, const TcpEnd& peer, const TcpEnd& own);

}  // namespace panshi
