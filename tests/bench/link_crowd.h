// SPDX-License-Identifier: Apache-2.0
// Links with many connections: 20,000 at once, and a delay on a thousand.
#pragma once

#include <string>
#include <vector>

#include "agents/links/link_table.h"

namespace panshi {

void bench_crowd();
// The error of a delay without jitter; then whether a jitter is spread evenly.
void bench_delayed_crowd(agent::LinkTable& table);

// Parts (part.h): a link to each address, whose ports it says in a line; and the ends of a crowd:
// says its server's address, hears the port to connect to, says "open", hears, echoes, says how
// many came back.
int carry_links(const std::vector<std::string>& upstreams);
int be_crowd(int size);

}  // namespace panshi
