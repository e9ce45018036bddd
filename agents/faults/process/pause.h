// SPDX-License-Identifier: Apache-2.0
// process.pause: stops every process of a service with SIGSTOP; it keeps its sockets and answers
// nobody.
//
// Looks like a long garbage collection or a stalled disk: checks that only test the TCP handshake
// keep passing.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_process_pause(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
