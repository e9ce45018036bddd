// SPDX-License-Identifier: Apache-2.0
// ManagedService: a program run as systemd runs a unit of Type=notify with WatchdogSec= and
// Restart=on-failure: started, listened to over $NOTIFY_SOCKET, ended when it falls silent (SIGABRT
// and SIGCONT, then SIGKILL), and started again unless it ended in good order.
//
// What the program left behind is not touched (KillMode=process). Ends with the test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace panshi {

class ManagedService {
 public:
  // `restart_after`: RestartSec; `log`: where its output is appended. Returns at once.
  ManagedService(std::vector<std::string> argv, std::map<std::string, std::string> environment,
                 std::chrono::milliseconds watchdog,
                 std::chrono::milliseconds restart_after = std::chrono::milliseconds(50),
                 std::filesystem::path log = "/dev/null");
  ~ManagedService();  // SIGTERM, then SIGKILL
  ManagedService(const ManagedService&) = delete;
  ManagedService& operator=(const ManagedService&) = delete;

  bool is_ready() const;  // said READY=1; waits for it, ten seconds at most
  bool is_over() const;   // ended in good order
  int starts() const;
  pid_t pid() const;  // of the main process; 0 between two
  bool said(const std::string& line) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
