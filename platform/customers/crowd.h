// SPDX-License-Identifier: Apache-2.0
// Crowd: everybody who is in the shop, and those who are about to come.
//
// An open loop: arrivals follow their own schedule, however slowly the shop answers; when too many
// are under way an arrival is dropped, which counts as a failed purchase and is logged. Pure: time
// comes in as an argument, records and requests are handed out by take_effects(); whoever carries
// them out must write the records before he sends the requests. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "platform/customers/errands.h"
#include "platform/customers/purchase.h"
#include "platform/customers/window.h"

namespace panshi::shop {

struct CrowdStatus {
  WindowStatus window;
  std::int64_t arrived = 0;       // to buy; so are the next
  std::int64_t dropped = 0;       // arrivals refused because in_flight_max was reached
  std::int64_t attempted = 0;     // purchases whose placing was sent
  std::int64_t acknowledged = 0;  // payments answered 200
  std::int64_t delivered = 0;     // in time
  std::int64_t late = 0;
  std::int64_t failed = 0;  // without the dropped ones
  std::int64_t turned_away = 0;
  std::int64_t left = 0;
  std::int64_t indeterminate = 0;  // of those that failed: an order or a payment may have happened
  std::int64_t visits = 0;         // came to browse, to see their orders or to chat
  std::int64_t visits_served = 0;  // and were answered to the end
  std::int64_t visits_failed = 0;
  std::int64_t fraud_sent = 0;  // orders of dishonest customers; in none of the others
  std::int64_t fraud_placed = 0;
  std::int64_t fraud_refused = 0;  // or never answered
  std::int64_t fraud_dropped = 0;  // not sent: too many under way
  std::int64_t in_flight = 0;      // everybody
  std::size_t plan_step = 0;       // from 1; 0: none is under way
  double schedule_lag_ms = 0;      // how late the latest arrival was let in: our own slowness
  double rate = 0;
  std::string surge;  // who had a surge made that is under way; "": nobody
  bool paused = false;
};

class Crowd {
 public:
  struct Options {
    Traffic traffic = {};
    std::uint64_t seed = 1;
    std::string run;  // tells this run's keys from those of any other
    std::vector<ProductShare> products;
    std::int64_t users = 1'000;
    std::size_t in_flight_max = 500;        // honest ones
    std::size_t fraud_in_flight_max = 200;  // they take no honest customer's place here
    Manners manners = {};
    Window::Options window = {};
  };
  struct Outgoing {
    std::uint64_t id = 0;
    Request request;
  };
  struct Effects {
    std::vector<Record> records;
    std::vector<Outgoing> requests;
  };

  Crowd(Options options, const Moment& now);

  void advance(const Moment& now);  // lets in who is due, wakes who waited
  void answered(std::uint64_t id, const Answer& answer, const Moment& now);
  Effects take_effects();
  MonoTime next_deadline() const;

  // No arrivals until resume(), or until `until`: a pause ends by itself when whoever asked for it
  // is gone. Purchases under way go on.
  void pause(MonoTime until);
  void resume(MonoTime now);
  // `rate` or `plan` begins the schedule anew, and `fraud` a burst; what is absent goes on.
  void change(const TrafficChange& change, MonoTime now);
  // So many come in place of `rate` and plan, until end_surge() or `until`: as a pause. The same
  // one prolongs its own; while it lasts another one's is not begun.
  void surge(const std::string& by, double rate, MonoTime until, MonoTime now);
  void end_surge(const std::string& by, MonoTime now);  // another one's: nothing

  CrowdStatus status(MonoTime now);

 private:
  struct Customer {
    Kind kind = Kind::kBuy;
    std::string household;
    std::unique_ptr<Journey> journey;
  };

  void let_in(MonoTime intended, const Moment& now);
  void let_fraud_in(MonoTime intended, const Moment& now);
  void drop(const Errand& errand, WallTime intended, const Moment& now);
  void start(Customer customer, const Moment& now, MonoTime intended);
  void make(std::uint64_t id, Move move, const Moment& now);
  void end(std::uint64_t id, Kind kind, const Move& move, MonoTime now);
  void end_purchase(const Move& move);
  RatePlan fraud_plan(MonoTime now) const;
  void schedule_anew(MonoTime now);

  const Options options_;
  Traffic traffic_;
  Arrivals arrivals_;
  Arrivals fraud_arrivals_;
  Errands errands_;
  Window window_;
  std::optional<MonoTime> paused_until_;
  struct Surge {
    std::string by;
    double rate = 0;
    MonoTime until;
  };
  std::optional<Surge> surge_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, Customer> customers_;  // in the shop
  std::size_t fraud_in_flight_ = 0;
  std::multimap<MonoTime, std::uint64_t> timers_;
  Effects effects_;
  CrowdStatus counts_;
};

}  // namespace panshi::shop
