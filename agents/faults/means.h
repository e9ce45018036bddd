// SPDX-License-Identifier: Apache-2.0
// How the kinds of each group are put in force: a table in each group's folder, gathered here.
#pragma once

#include <span>

#include "agents/faults/fault.h"

namespace panshi::agent {

std::span<const FaultMeans> database_means();
std::span<const FaultMeans> dns_means();
std::span<const FaultMeans> file_means();
std::span<const FaultMeans> link_means();
std::span<const FaultMeans> load_means();
std::span<const FaultMeans> network_means();
std::span<const FaultMeans> process_means();
std::span<const FaultMeans> queue_means();
std::span<const FaultMeans> redis_means();
std::span<const FaultMeans> resource_means();
std::span<const FaultMeans> syscall_means();
std::span<const FaultMeans> time_means();

}  // namespace panshi::agent
