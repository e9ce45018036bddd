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
// Before a password goes out in the clear over `connection`, which we opened: on this machine the
// other end must be held by root, our own user or one of `accounts`. kRefused says who holds it and
// that the key `account` permits it. Of another machine nobody can tell: that is permitted.
Status check_server_account(int connection, const std::set<uid_t>& accounts);
// Who listens at `at`, or at every address with its port.
Result<uid_t> listener_in_table(const std::string& table, const TcpEnd& at);
// The same in the kernel's words. Pure.
Result<uid_t> user_in_table(const std::string& table, const TcpEnd& peer, const TcpEnd& own);

}  // namespace panshi
