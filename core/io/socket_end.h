// SPDX-License-Identifier: Apache-2.0
// One end of a connection as the kernel tells it. Any thread.
#pragma once

#include <sys/socket.h>

#include "core/io/peer_user.h"

namespace panshi {

TcpEnd socket_end(const sockaddr_storage& at);  // no address: of neither IPv4 nor IPv6
TcpEnd own_end(int fd);                         // likewise for a socket that has none
TcpEnd peer_end(int fd);

}  // namespace panshi
