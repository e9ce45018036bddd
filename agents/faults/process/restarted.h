// SPDX-License-Identifier: Apache-2.0
// What faults have in common that have the supervisor start a service anew.
#pragma once

#include <string>

#include "agents/host/host.h"

namespace panshi::agent {

// Has the service stopped as it is configured and started again; returns when another process leads
// it, or, unless `until_up`, as soon as `leader` is gone. kTimeout: not within kRestartMax.
Status restart_service(const std::string& service, const ProcessName& leader, bool until_up,
                       Host& host);
inline constexpr int kRestartMaxSeconds = 15;

// Ends what the fault had started changed and has the service run as configured again. Safe from
// any process, and when nothing was changed.
Status end_changed_start(const std::string& service, const std::string& fault, Host& host);

// ensure_running(), but that nobody supervises (guardian, revert-all) is no error: the next agent
// starts its services anyway.
Status have_running(const std::string& service, Host& host);

}  // namespace panshi::agent
