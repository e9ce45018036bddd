// SPDX-License-Identifier: Apache-2.0
// SpareMemory: gives back what a busy moment took and nobody uses any more; the allocator would
// keep it. One thread at a time.
#pragma once

#include <malloc.h>

#include "core/base/clock.h"

namespace panshi::agent {

class SpareMemory {
 public:
  void look(MonoTime now) {
    if (now < again_) return;
    again_ = now + std::chrono::seconds(10);
    (void)::malloc_trim(0);  // under a millisecond for an agent's few megabytes
  }

 private:
  MonoTime again_{};
};

}  // namespace panshi::agent
