// SPDX-License-Identifier: Apache-2.0
// A network namespace of a test's own, so that no interface or rule of the machine is touched.
#pragma once

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <future>
#include <string>
#include <vector>

#include "core/io/process.h"

namespace panshi {

// The calling thread's, and so that of threads and processes that it starts; with `lo` up. False
// when this machine does not allow it. REQUIRES: a thread that is about to end with the test.
inline bool enter_own_network() {
  if (::unshare(CLONE_NEWNET) != 0) return false;
  const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ::ioctl(any, SIOCSIFFLAGS, &request) == 0;
  ::close(any);
  return up;
}

inline std::string output_of(std::vector<std::string> words) {
  ProcessRunner runner;
  std::promise<ScriptResult> ended;
  runner.run({.argv = std::move(words), .env = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}},
             std::chrono::seconds(5),
             [&](ScriptResult result) { ended.set_value(std::move(result)); });
  return ended.get_future().get().output;
}

}  // namespace panshi
