// SPDX-License-Identifier: Apache-2.0
// Repeated: one statement run again and again on a session of its own, until the object ends.
//
// For statements that block or work for a while, each bounded by the server, so that ending the
// object takes no longer than one of them. A session that is lost is not opened again: what was
// asked for is then measured as missing. Owns a thread; made and destroyed on one thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agents/host/host.h"
#include "core/base/clock.h"

namespace panshi::agent {

class Repeated {
 public:
  // Runs `statement` first after `delay`, and `after` each time it was carried out ("": nothing).
  Repeated(std::unique_ptr<SqlSession> session, std::string statement, std::string after,
           Duration delay);
  ~Repeated();
  Repeated(const Repeated&) = delete;
  Repeated& operator=(const Repeated&) = delete;

  void stop();  // lets the statement that runs be the last; does not wait for it

 private:
  void run(Duration delay);
  bool stopped_within(Duration time);

  const std::unique_ptr<SqlSession> session_;
  const std::string statement_;
  const std::string after_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace panshi::agent
