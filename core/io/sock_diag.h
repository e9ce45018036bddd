// SPDX-License-Identifier: Apache-2.0
// The kernel's answer about one TCP connection of this thread's network (sock_diag(7)): some
// microseconds, where its lists in /proc take milliseconds, most of them for empty places. Any
// thread.
#pragma once

#include <sys/types.h>

#include "core/base/result.h"
#include "core/io/peer_user.h"

namespace panshi {

// Whose the end `local` of a connection within this machine to `remote` is. kNotFound: there is
// none that a process holds. kUnavailable: this kernel was built without the interface.
Result<uid_t> user_of_end(const TcpEnd& local, const TcpEnd& remote);
// Who would accept a connection from this machine to `local`. The same errors.
Result<uid_t> user_of_listening(const TcpEnd& local);

}  // namespace panshi
