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
  std::int64_t arrived = 0;
  std::int64_t dropped = 0;       // arrivals refused because in_flight_max was reached
  std::int64_t attempted = 0;     // purchases whose placing was sent
  std::int64_t acknowledged = 0;  // payments answered 200
  std::int64_t delivered = 0;     // in time
  std::int64_t late = 0;
  std::int64_t failed = 0;  // without the dropped ones
  std::int64_t turned_away = 0;
  std::int64_t left = 0;
  std::int64_t indeterminate = 0;  // of those that failed: an order or a payment may have happened
  std::int64_t in_flight = 0;
  double schedule_lag_ms = 0;  // how late the latest arrival was let in: our own slowness
  double rate = 0;
  bool paused = false;
};

class Crowd {
 public:
  struct Options {
    double rate = 1;  // arrivals per second
    std::uint64_t seed = 1;
    std::string run;  // tells this run's keys from those of any other
    std::vector<ProductShare> products;
    std::int64_t users = 1'000;
    std::size_t in_flight_max = 500;
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
  void set_rate(double per_second, MonoTime now);

  CrowdStatus status(MonoTime now);

 private:
  void let_in(MonoTime intended, const Moment& now);
  void make(std::uint64_t id, Move move, const Moment& now);
  void end(std::uint64_t id, const Purchase& purchase, Ending ending, MonoTime now);

  const Options options_;
  double rate_;
  Arrivals arrivals_;
  Errands errands_;
  Window window_;
  std::optional<MonoTime> paused_until_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Purchase>> purchases_;
  std::multimap<MonoTime, std::uint64_t> timers_;
  Effects effects_;
  CrowdStatus counts_;
};

}  // namespace panshi::shop
