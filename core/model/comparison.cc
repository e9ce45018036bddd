// SPDX-License-Identifier: Apache-2.0
#include "core/model/comparison.h"

#include <array>

#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;

const std::array<std::string, 6> kOperators = {">", ">=", "<", "<=", "==", "!="};
const std::array<std::string, 5> kAggregates = {"last", "mean", "min", "max", "sum"};
constexpr Range<Duration> kOver{1ms, 5min};  // the controller keeps samples this long
constexpr Range<Duration> kHold{0ms, 1h};

}  // namespace

bool Comparison::test(double observed) const {
  if (is == ">") return observed > value;
  if (is == ">=") return observed >= value;
  if (is == "<") return observed < value;
  if (is == "<=") return observed <= value;
  if (is == "==") return observed == value;
  CHECK_BUG(is == "!=");
  return observed != value;
}

std::string Comparison::text() const {
  std::string out = cat(signal, node.empty() ? "" : " of ", node, " ", is, " ", value);
  if (over > 0us) out += cat(" (", aggregate, " over ", duration_text(over), ")");
  if (hold > 0us) out += cat(" for ", duration_text(hold));
  return out;
}

void read_comparison(Fields& in, Comparison& out) {
  in.need("signal", out.signal);
  in.may("node", out.node);
  in.need_word("is", out.is, kOperators);
  in.need("value", out.value);
  in.may("over", out.over, kOver);
  if (out.over > 0us) out.aggregate = "mean";
  in.may_word("aggregate", out.aggregate, kAggregates);
  if (out.aggregate != "last" && !in.has("over")) {
    in.problem("aggregate", cat("`", out.aggregate, "` needs a window: add `over`"));
  }
  in.may("for", out.hold, kHold);
}

}  // namespace panshi
