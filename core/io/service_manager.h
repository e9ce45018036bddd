// SPDX-License-Identifier: Apache-2.0
// ServiceManager: what a process tells the one who started it, in sd_notify(3)'s protocol: that it
// is ready, that it is alive, that it stops. systemd, and whoever plays its part, restarts a
// process that does not say that it is alive in its time.
//
// Datagrams to $NOTIFY_SOCKET; nothing happens where it is not set. Any thread; one sender of
// say_alive().
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/base/clock.h"

namespace panshi {

class ServiceManager {
 public:
  // Null when nobody asked to be told. Takes the three variables out of the environment, so that
  // children do not speak for us. REQUIRES: no other thread yet.
  static std::unique_ptr<ServiceManager> from_environment();

  void say_ready();
  void say_stopping();
  // Says so when half of the time in which it must be said is over; returns when it wants to be
  // called again: nothing when nobody waits for it.
  std::optional<MonoTime> say_alive(MonoTime now);

 private:
  ServiceManager(std::string socket, Duration watchdog)
      : socket_(std::move(socket)), every_(watchdog / 2) {}
  void say(const std::string& line) const;

  const std::string socket_;  // a path, or with a leading @ an abstract name
  const Duration every_;      // 0: no watchdog
  MonoTime next_{};
};

}  // namespace panshi
