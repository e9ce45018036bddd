// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "agents/helpers/helper.h"
#include "core/base/text.h"
#include "core/io/strict_path.h"

namespace panshi::agent {
namespace {

constexpr std::int64_t kBlock = 256 << 10;

double seconds_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Over and over the same file, each block forced to the disk, at the rate that was asked at most.
[[noreturn]] void write_on(int file, std::int64_t rate, std::int64_t file_bytes) {
  const std::vector<char> block(kBlock, 'p');
  const double began = seconds_now();
  for (std::int64_t written = 0;;) {
    const double ahead =
        static_cast<double>(written) / static_cast<double>(rate) - (seconds_now() - began);
    if (ahead > 0) {
      std::this_thread::sleep_for(std::chrono::duration<double>(ahead));
      continue;
    }
    const ssize_t got = ::pwrite(file, block.data(), block.size(), written % file_bytes);
    if (got <= 0 || ::fdatasync(file) != 0) {  // a full or broken disk: do not spin
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      continue;
    }
    written += got;
  }
}

}  // namespace

Status begin_disk(const HelperArguments& arguments) {
  const auto rate = parse_integer(arguments[1]);
  const auto bytes = parse_integer(arguments[2]);
  if (!rate || !bytes || *rate < 1 || *bytes < kBlock) {
    return fail(ErrorCode::kInvalid, "disk FILE BYTES_PER_SECOND FILE_BYTES");
  }
  // One that is there may be another name of somebody's file: never written to.
  if (auto removed = remove_strictly(arguments[0]); !removed) return removed;
  ASSIGN_OR_RETURN(const int file, open_strictly(arguments[0], O_WRONLY | O_CREAT | O_EXCL, 0600));
  std::thread(write_on, file, *rate, *bytes / kBlock * kBlock).detach();
  return {};
}

}  // namespace panshi::agent
