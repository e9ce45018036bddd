// SPDX-License-Identifier: Apache-2.0
// How much memory this process has allocated and not freed. The resident size says something else:
// the allocator keeps what was freed for the next time, up to tens of megabytes in each of its
// arenas, and how much that is depends on which thread ran when.
#pragma once

#include <malloc.h>

namespace panshi {

inline long allocated_kib() {
  const struct mallinfo2 info = mallinfo2();  // over all arenas
  return static_cast<long>((info.uordblks + info.hblkhd) >> 10);
}

}  // namespace panshi
