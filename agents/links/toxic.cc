// SPDX-License-Identifier: Apache-2.0
#include "agents/links/toxic.h"

#include "agents/links/link_table.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi::agent {

const char* to_text(Toxic::Kind kind) {
  switch (kind) {
    case Toxic::Kind::kDelay:
      return "delay";
    case Toxic::Kind::kBandwidth:
      return "bandwidth";
    case Toxic::Kind::kBlackHole:
      return "black_hole";
    case Toxic::Kind::kResetPeer:
      return "reset_peer";
    case Toxic::Kind::kSlicer:
      return "slicer";
    case Toxic::Kind::kLimit:
      return "limit";
    case Toxic::Kind::kSlowClose:
      return "slow_close";
    case Toxic::Kind::kNothing:
      return "nothing";
    case Toxic::Kind::kRefuse:
      return "refuse";
    case Toxic::Kind::kHttpDelay:
      return "http_delay";
    case Toxic::Kind::kHttpStatus:
      return "http_status";
    case Toxic::Kind::kHttpHeader:
      return "http_header";
    case Toxic::Kind::kHttpBody:
      return "http_body";
    case Toxic::Kind::kDown:
      return "down";
    case Toxic::Kind::kReset:
      return "reset";
  }
  return "?";
}

const char* to_text(Toxic::Direction direction) {
  switch (direction) {
    case Toxic::Direction::kUpstream:
      return "upstream";
    case Toxic::Direction::kDownstream:
      return "downstream";
    case Toxic::Direction::kBoth:
      break;
  }
  return "both";
}

Status check(const Toxic& toxic) {
  if (toxic.delay < Duration(0) || toxic.delay > LinkTable::kDelayMax ||
      toxic.jitter < Duration(0) || toxic.jitter > LinkTable::kDelayMax) {
    return fail(ErrorCode::kInvalid,
                cat("a toxic's times are from 0 to ", duration_text(LinkTable::kDelayMax)));
  }
  if (toxic.rate < 0 || toxic.bytes < 0 || toxic.variation < 0) {
    return fail(ErrorCode::kInvalid, "a toxic's rate and sizes are not negative");
  }
  if (!(toxic.toxicity >= 0 && toxic.toxicity <= 1)) {
    return fail(ErrorCode::kInvalid, "a toxic's toxicity is from 0 to 1");
  }
  const bool is_http = std::string_view(to_text(toxic.kind)).starts_with("http_");
  CHECK_BUG(is_http == toxic.http.has_value());
  return toxic.http ? check_rule(*toxic.http) : Status();
}

}  // namespace panshi::agent
