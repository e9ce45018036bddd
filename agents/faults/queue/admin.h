// SPDX-License-Identifier: Apache-2.0
// What the faults of the queue have in common: the session, and names that are asked about.
#pragma once

#include <memory>
#include <string>

#include "agents/faults/account.h"

namespace panshi::agent {

// As Host::open_nats(), but never kNotFound: a service that left the configuration may still be
// broken, and "gone for ever" is not for the configuration to say.
Result<std::unique_ptr<NatsSession>> open_nats(Host& host, const std::string& service);

// Names become part of a subject that is asked: kInvalid for dots, wildcards and white space.
Status check_name(const std::string& parameter, const std::string& name);

// Whether a subject is one of those that a pattern with `*` and `>` means.
bool subject_matches(const std::string& pattern, const std::string& subject);

std::string why_no_nats(Host& host);  // FaultMeans::why_not
extern const AccountGroup kNatsAccounts;

}  // namespace panshi::agent
