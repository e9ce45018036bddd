// SPDX-License-Identifier: Apache-2.0
// redis.pause-clients: CLIENT PAUSE … WRITE: clients that write, or run scripts, wait.
//
// Only writes, because a server whose reads are paused too no longer hears CLIENT UNPAUSE. The
// server itself ends the pause after `most`, should nobody be left to do so.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_redis_pause_clients(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
