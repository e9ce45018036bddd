// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "agents/helpers/helper.h"
#include "core/base/text.h"

namespace panshi::agent {

Status begin_memory(const HelperArguments& arguments) {
  const auto bytes = parse_integer(arguments[0]);
  if (!bytes || *bytes < 1) return fail(ErrorCode::kInvalid, "memory BYTES");
  // When the node runs out all the same, the kernel is to end this process before any other.
  std::ofstream("/proc/self/oom_score_adj") << 1000 << std::flush;
  void* const got = ::mmap(nullptr, static_cast<std::size_t>(*bytes), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (got != MAP_FAILED) return {};
  return fail(ErrorCode::kUnavailable,
              cat(*bytes, " bytes of memory: ", std::string(std::strerror(errno))));
}

}  // namespace panshi::agent
