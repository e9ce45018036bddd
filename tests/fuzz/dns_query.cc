// SPDX-License-Identifier: Apache-2.0
// A query that is understood can be answered, and the answer repeats its question; any other one
// is left alone.
#include <cstddef>
#include <cstdint>

#include "agents/helpers/dns_message.h"
#include "core/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string query(reinterpret_cast<const char*>(data), size);
  const auto question = panshi::agent::read_question(query);
  if (!question) return 0;
  CHECK_BUG(question->end <= query.size());
  (void)panshi::agent::is_under(question->name, {"shop.test", question->name});
  CHECK_BUG(panshi::agent::is_under(question->name, {}));
  for (const std::string& address : {std::string(4, '\1'), std::string(16, '\2')}) {
    const std::string answer =
        panshi::agent::make_answer(query, *question, panshi::agent::DnsCode::kNoError, address);
    CHECK_BUG(answer.size() >= question->end);
    CHECK_BUG(answer.compare(0, 2, query, 0, 2) == 0);
    CHECK_BUG(answer.compare(12, question->end - 12, query, 12, question->end - 12) == 0);
  }
  return 0;
}
