// SPDX-License-Identifier: Apache-2.0
// Errands: carries out the effects that stay in this process, notifications and reports, one after
// the other on a thread of its own (`errands`), because they write files and may take a while.
//
// Each effect gets exactly one EffectDone. carry_out() may be called from any thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "controller/loop/letter.h"

namespace panshi::controller {

class Errands {
 public:
  using Handler = std::function<Result<nlohmann::json>(const Effect&)>;  // thread `errands`
  using Deliver = std::function<bool(Letter)>;

  // One handler for each kind of effect.
  Errands(std::map<EffectKind, Handler> handlers, const AnchoredClock& clock, Deliver deliver);
  ~Errands();  // finishes the one under way, drops the rest
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  void carry_out(const Effect& effect);

 private:
  void run();
  EffectDone attempt(const Effect& effect) const;
  EffectDone done(const Effect& effect, const Result<nlohmann::json>& result) const;

  const std::map<EffectKind, Handler> handlers_;
  const AnchoredClock& clock_;
  const Deliver deliver_;
  Mailbox<Effect> effects_;
  std::thread thread_;
};

}  // namespace panshi::controller
