// SPDX-License-Identifier: Apache-2.0
#include "controller/notify/notifier.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/struck.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "core/json/fields.h"
#include "core/model/channels.h"

namespace panshi::controller {

Status Notifier::send(const Notification& notification, WallTime now) {
  const auto& known = notify_channels();
  if (std::ranges::find(known, notification.channel) == known.end()) {
    return fail(ErrorCode::kInvalid, cat("there is no channel `", notification.channel,
                                         "`; known: ", join(known, ", ")));
  }
  const std::string message = without_secrets(notification.message);
  std::ofstream out(log_file_, std::ios::app);
  out << dump_json({{"at_us", to_us(now)},
                    {"channel", notification.channel},
                    {"message", message},
                    {"page", notification.page}})
      << '\n';
  out.flush();
  if (!out) return fail(ErrorCode::kInternal, cat("cannot write ", log_file_.string()));
  log_info(cat("notify ", notification.channel, ": ", message));
  return {};
}

}  // namespace panshi::controller
