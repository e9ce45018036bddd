// SPDX-License-Identifier: Apache-2.0
#include "controller/notify/errands.h"

#include "controller/limits.h"
#include "core/base/text.h"

namespace panshi::controller {

Errands::Errands(std::map<EffectKind, Handler> handlers, const AnchoredClock& clock,
                 Deliver deliver)
    : handlers_(std::move(handlers)),
      clock_(clock),
      deliver_(std::move(deliver)),
      effects_(limits::kErrandsMax),
      thread_([this] { run(); }) {}

Errands::~Errands() {
  effects_.close();
  thread_.join();
}

void Errands::carry_out(const Effect& effect) {
  if (effects_.put(effect)) return;
  (void)deliver_({.input = done(effect, fail(ErrorCode::kRefused, "too much is waiting already"))});
}

void Errands::run() {
  while (!effects_.closed()) {
    for (const Effect& effect : effects_.take_all(std::nullopt)) {
      if (effects_.closed()) return;
      // The loop is busy when its mailbox is full; this thread has time.
      const EffectDone outcome = attempt(effect);
      while (!deliver_({.input = outcome}) && !effects_.closed()) {
        std::this_thread::sleep_for(limits::kRetryFirst);
      }
    }
  }
}

EffectDone Errands::attempt(const Effect& effect) const {
  const auto handler = handlers_.find(effect.kind);
  if (handler != handlers_.end()) return done(effect, handler->second(effect));
  return done(effect, fail(ErrorCode::kInvalid,
                           cat("nothing here carries out `", row_of(effect.kind).word, "`")));
}

EffectDone Errands::done(const Effect& effect, const Result<nlohmann::json>& result) const {
  EffectDone outcome;
  outcome.effect = effect.id;
  outcome.outcome = result ? "ok" : "failed";
  if (result) outcome.result = *result;
  if (!result) outcome.detail = result.error().message;
  outcome.at = clock_.now();
  return outcome;
}

}  // namespace panshi::controller
