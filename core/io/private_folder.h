// SPDX-License-Identifier: Apache-2.0
// Files and folders that only their owner may look into.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

#include "core/base/result.h"

namespace panshi {

// Made with mode 0700, with those above it as the umask has them. One that is there and open to
// others is closed if it is ours to close: empty, or `ours` is in it. Otherwise it is left as it
// is: a folder of other things must stay open. Errors: kUnavailable; kRefused: others may change it
// or what leads to it (core/io/trusted_path.h), and nothing was touched.
Status make_private_folder(const std::filesystem::path& folder, std::string_view ours = {});

// What this program makes from now on is for its user alone (umask 077); what it starts keeps the
// umask that it was started with itself. Before there is another thread.
void keep_new_files_private();
mode_t started_umask();
// While it lives, started_umask() is this thread's, for what it starts. Where the kernel lets no
// thread have its own, nothing changes.
class StartedUmask {
 public:
  StartedUmask();
  ~StartedUmask();
  StartedUmask(const StartedUmask&) = delete;
  StartedUmask& operator=(const StartedUmask&) = delete;

 private:
  bool changed_ = false;
};

}  // namespace panshi
