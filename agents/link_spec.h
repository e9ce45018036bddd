// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agents/config/config.h"
#include "agents/links/link_table.h"

namespace panshi::agent {

// A link of the configuration as the table wants it.
LinkSpec link_spec(const LinkConfig& link);

}  // namespace panshi::agent
