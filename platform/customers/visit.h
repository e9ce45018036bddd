// SPDX-License-Identifier: Apache-2.0
// CustomerVisit: somebody who does not buy: looks at pages, at his old orders, or writes to the
// support.
//
// He goes from step to step with a moment's thought between them, and leaves at the first answer
// that is none. A page that shows less than usual is an answer. Pure.
#pragma once

#include "core/base/random.h"
#include "platform/customers/errands.h"
#include "platform/customers/journey.h"

namespace panshi::shop {

class CustomerVisit final : public Journey {
 public:
  // REQUIRES: the errand is to browse, to see the history or to chat.
  CustomerVisit(Errand errand, WallTime intended_wall);
  Move begin(const Moment& now) override { return send(now); }
  Move answered(const Answer& answer, const Moment& now) override;
  Move woken(const Moment& now) override { return send(now); }

 private:
  void plan_browsing();
  void plan_chat();
  void take_form(const Answer& answer);
  void plan_history();
  Move send(const Moment& now);

  Errand errand_;
  const WallTime intended_wall_;
  Random random_;
  std::vector<Request> requests_;
  std::size_t next_ = 0;
  MonoTime sent_at_;
};

}  // namespace panshi::shop
