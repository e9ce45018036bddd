// SPDX-License-Identifier: Apache-2.0
// The real session behind NatsSession. One thread at a time.
#pragma once

#include <memory>
#include <string>

#include "agents/host/host.h"

namespace panshi::agent {

// `monitor`: the server's monitoring address, "" without.
Result<std::unique_ptr<NatsSession>> make_nats_session(const std::string& url,
                                                       const std::string& user,
                                                       const std::string& password,
                                                       const std::string& monitor);

}  // namespace panshi::agent
