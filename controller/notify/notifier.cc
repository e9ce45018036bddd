// SPDX-License-Identifier: Apache-2.0
#include "controller/notify/notifier.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "core/io/log.h"
#include "core/json/fields.h"

namespace panshi::controller {

std::vector<std::string> channels() { return {"log"}; }

bool is_channel(const std::string& name) {
  const auto known = channels();
  return std::ranges::find(known, name) != known.end();
}

Status Notifier::send(const Notification& notification, WallTime now) {
  if (!is_channel(notification.channel)) {
    return fail(ErrorCode::kInvalid, cat("there is no channel `", notification.channel,
                                         "`; known: ", join(channels(), ", ")));
  }
  std::ofstream out(log_file_, std::ios::app);
  out << dump_json({{"at_us", to_us(now)},
                    {"channel", notification.channel},
                    {"message", notification.message},
                    {"page", notification.page}})
      << '\n';
  out.flush();
  if (!out) return fail(ErrorCode::kInternal, cat("cannot write ", log_file_.string()));
  log_info(cat("notify ", notification.channel, ": ", notification.message));
  return {};
}

}  // namespace panshi::controller
