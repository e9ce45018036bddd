// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
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
    return fail(ErrorCode::kInvalid, "disk FOLDER BYTES_PER_SECOND FILE_BYTES");
  }
  ASSIGN_OR_RETURN(const int file, open_nameless(arguments[0], O_WRONLY));
  std::thread(write_on, file, *rate, *bytes / kBlock * kBlock).detach();
  return {};
}

// Its blocks are reserved, not written; the file stays open for as long as this process lives.
Status begin_fill(const HelperArguments& arguments) {
  const auto bytes = parse_integer(arguments[1]);
  if (!bytes || *bytes < 1) return fail(ErrorCode::kInvalid, "fill FOLDER BYTES");
  ASSIGN_OR_RETURN(const int file, open_nameless(arguments[0], O_WRONLY));
  if (::fallocate(file, 0, 0, *bytes) == 0) return {};
  return fail(ErrorCode::kUnavailable, cat(arguments[0], ": ", std::string(std::strerror(errno))));
}

}  // namespace panshi::agent
