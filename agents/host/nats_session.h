// SPDX-License-Identifier: Apache-2.0
// The real session behind NatsSession. One thread at a time.
#pragma once

#include <memory>
#include <string>

#include "agents/host/host.h"
#include "core/io/nats_requests.h"

namespace panshi::agent {

// `monitor`: the server's monitoring address, "" without. Bounds and name are this file's own.
Result<std::unique_ptr<NatsSession>> make_nats_session(NatsRequests::Options options,
                                                       const std::string& monitor);

}  // namespace panshi::agent
