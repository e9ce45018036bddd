// SPDX-License-Identifier: Apache-2.0
// Journey: one customer's way through the shop, as a small state machine: it says what to send or
// how long to wait, and is told what came of it.
//
// Pure: it owns no clock and no socket; each call returns the log records that must be written
// before the move itself is made.
#pragma once

#include <string>
#include <vector>

#include "core/base/clock.h"
#include "platform/customers/record.h"

namespace panshi::shop {

struct Moment {
  MonoTime mono;
  WallTime wall;
};

struct Request {
  Step step = Step::kBrowse;
  int attempt = 1;
  std::string method;
  std::string path;
  std::string key = {};  // header Idempotency-Key, unless empty
  std::string body = {};
  std::string device = {};       // header X-Device
  std::string address = {};      // where he sits: X-Forwarded-For, as a balancer would say it
  std::string paid_marker = {};  // header X-Paid-Marker, unless empty
  std::string cookie = {};       // header Cookie, unless empty
  bool is_form = false;          // the body, not JSON
  bool keeps_cookies = false;    // the answer's are wanted
};

struct Answer {
  bool sent = true;  // false: not even connected, so nothing can have happened
  int status = 0;    // 0: no whole answer
  std::string body;
  std::string paid_marker = {};  // header X-Paid-Marker
  std::string cookies = {};      // that it sets, as the next request sends them
};

enum class Ending {
  kDelivered,   // has what he came for: the key, in time; a visit's last answer
  kLate,        // paid, but no key within his patience
  kFailed,      // left without an acknowledged payment, or without an answer
  kTurnedAway,  // sold out or card declined: the shop worked as it should
  kLeft         // ordered, and changed his mind
};

struct Move {
  enum class Kind { kSend, kWait, kEnd } kind = Kind::kEnd;
  std::vector<Record> records;
  Request request;                  // kSend
  MonoTime wake;                    // kWait
  Ending ending = Ending::kFailed;  // kEnd
  bool acknowledged = false;        // the answer acknowledged the payment
  bool indeterminate = false;       // kEnd: some order or payment may have happened
};

class Journey {
 public:
  virtual ~Journey() = default;
  virtual Move begin(const Moment& now) = 0;
  // REQUIRES: the last move was kSend, or kWait.
  virtual Move answered(const Answer& answer, const Moment& now) = 0;
  virtual Move woken(const Moment& now) = 0;
};

}  // namespace panshi::shop
