// SPDX-License-Identifier: Apache-2.0
// Whatever a NATS server says, the client that faults use ends with an answer or with a reason.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/nats_requests.h"
#include "tests/fuzz/one_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static panshi::OneAnswer server;
  server.say({reinterpret_cast<const char*>(data), size});
  const auto nats =
      panshi::NatsRequests::connect({.url = panshi::cat("nats://127.0.0.1:", server.port()),
                                     .timeout = std::chrono::milliseconds(200)});
  if (!nats) {
    CHECK_BUG(!nats.error().message.empty());
    return 0;
  }
  const auto answer = (*nats)->request("$JS.API.INFO", "{}");
  if (!answer) CHECK_BUG(!answer.error().message.empty());
  return 0;
}
