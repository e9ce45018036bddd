// SPDX-License-Identifier: Apache-2.0
// Passes: short texts that the gateway signs for a customer to show again.
//
//     paid    "o-0123456789abcdef.1763840000.<mac>"  this order was paid, or may have been
//     waited  "1763840000.<mac>"                     this user may try again with this key from
//     then
//
// Times are seconds since 1970. Nobody without the key can make one, and one for an order or a key
// is worth nothing for another. Pure but for the key; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace panshi::shop {

class Passes {
 public:
  // "": a random key, so passes are good at this gateway and until it ends.
  explicit Passes(std::string key);

  // A key of its own for something else that is signed.
  std::string key_for(std::string_view purpose) const;

  std::string paid(const std::string& order, WallTime now) const;
  // The order, while the pass is good.
  std::optional<std::string> paid_order(std::string_view pass, WallTime now) const;

  std::string waited(const std::string& user, const std::string& key, WallTime from) const;
  // True from the time it was made for, for as long as a pass is good.
  bool has_waited(std::string_view pass, const std::string& user, const std::string& key,
                  WallTime now) const;

 private:
  std::string key_;
};

}  // namespace panshi::shop
