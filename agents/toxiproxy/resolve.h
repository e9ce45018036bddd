// SPDX-License-Identifier: Apache-2.0
// "localhost:80" to "127.0.0.1:80", for people who write names. May ask DNS, and so block for some
// seconds: never on the thread `links`.
#pragma once

#include <string>

#include "core/base/result.h"

namespace panshi::agent::toxiproxy {

// Without a host: every address. kInvalid: no port; kUnavailable: the name is not known.
Result<std::string> resolve(const std::string& host_and_port);

}  // namespace panshi::agent::toxiproxy
