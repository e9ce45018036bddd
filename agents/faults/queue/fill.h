// SPDX-License-Identifier: Apache-2.0
// queue.fill: stores messages of 64 KiB that nobody takes, on a subject of a stream.
//
// The subject must hold nothing before and no consumer may take it, so that purging it is exact;
// a stream that would drop old messages to make room is refused. Each message says in the header
// `Panshi-Fault` of which fault it is.
#pragma once

#include "agents/faults/fault.h"

namespace panshi::agent {

std::unique_ptr<Fault> make_queue_fill(const FaultRequest& request, Host& host);

}  // namespace panshi::agent
