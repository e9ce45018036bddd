// SPDX-License-Identifier: Apache-2.0
#include "agents/supervisor/log_rotator.h"

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::agent {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(2);

std::filesystem::path numbered(const std::filesystem::path& file, int number) {
  return file.string() + cat(".", number);
}

bool copy_end(const std::filesystem::path& file, std::uintmax_t from,
              const std::filesystem::path& to) {
  std::ifstream in(file, std::ios::binary);
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  in.seekg(static_cast<std::streamoff>(from));
  out << in.rdbuf();
  return static_cast<bool>(out.flush());
}

}  // namespace

struct LogRotator::Impl {
  std::vector<std::filesystem::path> files;
  std::mutex mutex;
  std::condition_variable ended;
  bool stopping = false;
  std::thread thread;

  void run() {
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, kLookEvery, [this] { return stopping; })) {
      for (const auto& file : files) {
        if (auto rotated = rotate_if_large(file); !rotated) log_warn(rotated.error().message);
      }
    }
  }
};

LogRotator::LogRotator(std::vector<std::filesystem::path> files) : impl_(std::make_unique<Impl>()) {
  impl_->files = std::move(files);
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

LogRotator::~LogRotator() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->ended.notify_one();
  impl_->thread.join();
}

Status rotate_if_large(const std::filesystem::path& file, std::uintmax_t size_max, int files_max) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error || size <= size_max) return {};
  for (int number = files_max - 1; number > 1; --number) {
    std::error_code none_yet;
    std::filesystem::rename(numbered(file, number - 1), numbered(file, number), none_yet);
  }
  // Its end alone: a service may have written much more since the last look.
  if (!copy_end(file, size - std::min(size, 2 * size_max), numbered(file, 1))) {
    error = std::make_error_code(std::errc::io_error);
  }
  // Cut even when there is no room for the copy: the live log must not fill the disk.
  std::error_code cut;
  std::filesystem::resize_file(file, 0, cut);
  if (!error) error = cut;
  if (error)
    return fail(ErrorCode::kInternal, cat("rotate ", file.string(), ": ", error.message()));
  return {};
}

}  // namespace panshi::agent
