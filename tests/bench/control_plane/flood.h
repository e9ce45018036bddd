// SPDX-License-Identifier: Apache-2.0
// Flood: a process that attacks a listener with connections, and counts what came of them.
//
// Slow ones are held open, each sends a byte of a TLS greeting a second, and is opened again when
// it is closed. Quick ones come in turns: an HTTP request in the clear, random bytes, a reset at
// once, a whole TLS greeting whose answer nobody waits for. They come from 250 addresses of
// loopback. It ends by itself.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace panshi::bench {

class Flood {
 public:
  struct Plan {
    std::string address;
    std::uint16_t port = 0;
    int slow = 0;              // at once
    int quick_per_second = 0;  // at most
    std::chrono::seconds time{30};
    std::uint64_t seed = 1;
    // What a client of TLS says first, of every fourth quick one: each has the server make a key
    // and sign. "": none does.
    std::string hello;
  };
  struct Counts {
    long quick = 0;        // connected, and ended by either side
    long slow_opened = 0;  // each time
    long slow_held = 0;    // most at once
    long hellos = 0;       // of the quick ones
    long failed = 0;       // no connection came about
  };

  explicit Flood(const Plan& plan);
  ~Flood();
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;

  Counts wait();  // until it has ended

 private:
  pid_t pid_ = 0;
  int counts_ = -1;
};

}  // namespace panshi::bench
