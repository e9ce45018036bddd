// SPDX-License-Identifier: Apache-2.0
// Window: what a customer standing outside would say about the shop right now.
//
// The success ratio is good / (good + bad + overdue): good and bad are purchases that ended in the
// window (key in time, or not); overdue are those under way, longer than `overdue_after`, without
// an acknowledged payment. So a shop that stops answering drags the ratio down about a second after
// it stopped, long before the first timeout. Nobody came and nobody waits: 1. Purchases turned away
// (sold out, declined) are answers, not failures, and are counted apart.
// Latencies count from the intended start, overdue purchases with the age they have. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>

#include "core/base/clock.h"
#include "platform/customers/purchase.h"

namespace panshi::shop {

struct WindowStatus {
  double success_ratio = 1;
  double orders_per_second = 0;    // acknowledged payments
  double arrivals_per_second = 0;  // dropped ones included
  double checkout_p95_ms = 0;      // intended start to acknowledged payment
  double delivery_p95_ms = 0;      // acknowledged payment to key; those still waiting included
  std::int64_t overdue = 0;
};

class Window {
 public:
  struct Options {
    Duration span = std::chrono::seconds(3);
    Duration overdue_after = std::chrono::seconds(1);
    std::size_t entries_max = 100'000;  // the oldest are forgotten first
  };
  Window(Options options, MonoTime start) : options_(options), start_(start) {}

  // `id` grows with each arrival; intended times never go back.
  void arrived(std::uint64_t id, MonoTime intended);
  void dropped(MonoTime now);  // an arrival that was never let in: a failed purchase
  void acknowledged(std::uint64_t id, MonoTime now);
  void ended(std::uint64_t id, Ending ending, MonoTime now);

  WindowStatus status(MonoTime now);

 private:
  struct Sample {
    MonoTime at;
    Duration value;
  };
  struct End {
    MonoTime at;
    bool good;
  };
  template <class Entries>
  void forget_old(Entries& entries, MonoTime now) const;

  const Options options_;
  const MonoTime start_;
  std::map<std::uint64_t, MonoTime> unacknowledged_;  // intended starts
  std::map<std::uint64_t, MonoTime> undelivered_;     // acknowledged, waiting for the key
  std::deque<Sample> arrivals_;
  std::deque<Sample> checkouts_;
  std::deque<Sample> deliveries_;
  std::deque<End> ends_;
};

}  // namespace panshi::shop
