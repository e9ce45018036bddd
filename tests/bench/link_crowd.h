// SPDX-License-Identifier: Apache-2.0
// Links with many connections: 20,000 at once, and a delay on a thousand.
#pragma once

#include "agents/links/link_table.h"

namespace panshi {

void bench_crowd(agent::LinkTable& table);
// The error of a delay without jitter; then whether a jitter is spread evenly.
void bench_delayed_crowd(agent::LinkTable& table);

}  // namespace panshi
