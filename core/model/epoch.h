// SPDX-License-Identifier: Apache-2.0
// Epochs number the starts of controllers; agents obey the highest they have seen.
#pragma once

#include <cstdint>

namespace panshi {

// An agent takes no jump above this: one lie would keep every honest controller out for ever.
constexpr std::int64_t kEpochJumpMax = 1'000'000;

}  // namespace panshi
