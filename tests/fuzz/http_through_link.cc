// SPDX-License-Identifier: Apache-2.0
// What no rule of an HTTP-aware toxic touches passes byte for byte, however broken it is, in both
// directions. The first byte of the input says where the requests end and the answers begin.
#include <cstddef>
#include <cstdint>

#include "agents/links/http_rule.h"
#include "agents/links/http_stages.h"
#include "core/base/check.h"

namespace {

using panshi::agent::Piece;
using panshi::agent::ToxicChain;

std::string passed(ToxicChain& chain, panshi::MonoTime now) {
  std::string bytes;
  while (const auto piece = chain.give(now)) {
    if (piece->kind == Piece::Kind::kData) bytes += piece->bytes;
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const panshi::MonoTime now = panshi::MonoTime() + std::chrono::hours(1);
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = bytes.size() * data[0] / 256;
  panshi::agent::Toxic toxic{.kind = panshi::agent::Toxic::Kind::kHttpStatus};
  toxic.http = panshi::agent::HttpRule{.path = "/a path that no request can have"};
  const std::vector<panshi::agent::ToxicRow> rules = {{.id = "t", .toxic = toxic}};
  auto [first, second] = panshi::agent::make_http_stages(rules, panshi::Random(7));
  ToxicChain requests{panshi::Random(1)};
  ToxicChain answers{panshi::Random(2)};
  requests.add(std::move(first));
  answers.add(std::move(second));
  const std::string asked = bytes.substr(0, cut);
  const std::string answered = bytes.substr(cut);
  const std::size_t step = 1 + data[0] % 13;
  std::string to_server;
  std::string to_client;
  for (std::size_t at = 0; at < asked.size(); at += step) {
    requests.take({.at = now, .bytes = asked.substr(at, step)}, now);
    to_server += passed(requests, now);
  }
  for (std::size_t at = 0; at < answered.size(); at += step) {
    answers.take({.at = now, .bytes = answered.substr(at, step)}, now);
    to_client += passed(answers, now);
  }
  requests.take({.at = now, .bytes = {}, .kind = Piece::Kind::kEnd}, now);
  answers.take({.at = now, .bytes = {}, .kind = Piece::Kind::kEnd}, now);
  to_server += passed(requests, now);
  to_client += passed(answers, now);
  CHECK_BUG(to_server == asked);
  CHECK_BUG(to_client == answered);
  return 0;
}
