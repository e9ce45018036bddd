// SPDX-License-Identifier: Apache-2.0
// Packet tap: how an interface treats what this node sends through it, measured by packets of our
// own on their way out. No answer from anybody is needed, and nobody takes them: their Ethernet
// type is the one for local experiments (IEEE 802, 0x88b5) and their receiver the sender itself.
//
// The kernel shows a packet to a packet socket after the queueing disciplines, when the driver gets
// it (packet(7)): so what lies between sending and seeing is what tc does. Needs CAP_NET_RAW.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

struct TapPlan {
  std::string interface = {};
  std::size_t packets = 100;     // at most 65,536
  std::size_t size = 100;        // bytes of each without its Ethernet header, 60 to 1,500
  Duration spacing{2'000};       // between two; 0: as fast as they are taken
  Duration patience{1'000'000};  // for the last one
  bool everybody = false;        // `sent` counts what others send meanwhile, too
  const std::atomic<bool>* stop = nullptr;  // becomes true: no longer wanted
};

struct TappedPacket {
  std::size_t times = 0;  // seen; 0: lost
  Duration delay{};       // until it was first seen
  bool damaged = false;   // when it was seen, in any byte
};

struct TapSample {
  WallTime at;
  std::int64_t bytes = 0;  // with Ethernet header
};

struct TapReport {
  std::vector<TappedPacket> packets;
  std::vector<TapSample> sent;  // in order
};

// Blocks for packets * spacing + patience at most, and for 10 s in any case. kNotFound: no such
// interface; kRefused: we may not, or it was stopped.
Result<TapReport> tap(const TapPlan& plan);

// Figures of a report; 0 when nothing was seen.
double mean_delay_ms(const TapReport& report);
double half_range_ms(
    const TapReport& report);  // half of what lies between the quickest and slowest
double percent_of(const TapReport& report, bool (*is_meant)(const TappedPacket&));
// Bytes a second from the moment on when `skipped` bytes had gone (the bucket's burst).
double rate_after(const TapReport& report, std::int64_t skipped);

}  // namespace panshi::agent
