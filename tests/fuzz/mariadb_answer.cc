// SPDX-License-Identifier: Apache-2.0
// Whatever a peer on a database's port answers (greeting, login, rows), the client that probes and
// faults use ends with an answer or with a reason.
#include <cstddef>
#include <cstdint>

#include "agents/probes/kinds/kind.h"
#include "core/base/check.h"
#include "tests/fuzz/one_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static panshi::OneAnswer server;
  server.say({reinterpret_cast<const char*>(data), size});
  panshi::agent::ProbeTarget target;
  target.host = "127.0.0.1";
  target.port = server.port();
  target.user = "probe";
  const auto* kind = panshi::agent::find_probe_kind("mariadb");
  CHECK_BUG(kind != nullptr);
  (void)kind->make_ask(target, std::chrono::milliseconds(500))();
  return 0;
}
