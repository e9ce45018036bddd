// SPDX-License-Identifier: Apache-2.0
// Notifier: says something to people, over a named channel.
//
// The channel `log` appends one JSON line {"at_us","channel","message","page"} to
// <state>/notify.log and says it in the controller's log. `page: true` is passed on for a channel
// that can wake somebody; no channel ever does so for `page: false`. May block: thread `errands`.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::controller {

struct Notification {
  std::string channel;
  std::string message;
  bool page = false;
};

class Notifier {
 public:
  explicit Notifier(std::filesystem::path state) : log_file_(std::move(state) / "notify.log") {}
  // kInvalid: no such channel (core/model/channels.h).
  Status send(const Notification& notification, WallTime now);

 private:
  std::filesystem::path log_file_;
};

}  // namespace panshi::controller
