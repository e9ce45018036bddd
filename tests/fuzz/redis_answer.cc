// SPDX-License-Identifier: Apache-2.0
// Whatever a Redis server answers, the client that probes and faults use ends with an answer or
// with a reason, and the probe of a cluster's node with a verdict.
#include <cstddef>
#include <cstdint>

#include "agents/probes/kinds/kind.h"
#include "core/base/check.h"
#include "core/io/redis.h"
#include "tests/fuzz/one_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static panshi::OneAnswer server;
  server.say({reinterpret_cast<const char*>(data), size});
  auto redis = panshi::Redis::connect({.host = "127.0.0.1", .port = server.port()});
  if (!redis) return 0;
  const auto answer = redis->run({"CLUSTER", "INFO"});
  if (!answer) CHECK_BUG(!answer.error().message.empty());
  panshi::agent::ProbeTarget target;
  target.host = "127.0.0.1";
  target.port = server.port();
  const auto* kind = panshi::agent::find_probe_kind("redis-cluster");
  CHECK_BUG(kind != nullptr);
  (void)kind->make_ask(target, std::chrono::milliseconds(500))();
  return 0;
}
