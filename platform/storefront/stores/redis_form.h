// SPDX-License-Identifier: Apache-2.0
// Makes a Redis Cluster of empty servers, step by step as model/redis_layout.h plans it.
//
// Waits for every node; asked again it repairs what is missing and touches nothing else. Blocks
// the calling thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::shop {

struct RedisMember {
  std::string address;  // "host:port", the one it announces
  std::string host;     // the machine that it shares a fate with
};

// kTimeout: not formed by `until`; the message says what was missing.
Status form_redis_cluster(const std::vector<RedisMember>& members, int replicas_per_master,
                          MonoTime until);

}  // namespace panshi::shop
