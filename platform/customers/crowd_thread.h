// SPDX-License-Identifier: Apache-2.0
// CrowdThread: runs a Crowd against a real shop, on a thread of its own (`crowd`).
//
// Records reach the log before the requests they announce are sent; answers at the latest 50 ms
// after they came, and before any status that counts them is published. When the log cannot be
// written nothing more is sent: load without evidence is worth nothing.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/mailbox.h"
#include "core/io/http_client.h"
#include "platform/customers/crowd.h"
#include "platform/storefront/base/log_file.h"

namespace panshi::shop {

class CrowdThread {
 public:
  struct Options {
    Crowd::Options crowd;
    std::string target;  // http://address:port
    // Each customer calls from his own address, of this machine; else he says it in a header.
    bool binds_addresses = false;
    Duration request_timeout = std::chrono::seconds(2);
  };
  CrowdThread(Options options, LogFile log, const Clock& clock);
  ~CrowdThread();  // stops; what is under way stays indeterminate in the log
  CrowdThread(const CrowdThread&) = delete;
  CrowdThread& operator=(const CrowdThread&) = delete;

  // Any thread. Each returns the status after the change.
  CrowdStatus status() const;
  // Stops arrivals for at most `lease`, waits up to `drain` for purchases under way.
  CrowdStatus pause(Duration drain, Duration lease);
  CrowdStatus resume();
  CrowdStatus change_traffic(const TrafficChange& change);
  CrowdStatus surge(const std::string& by, double rate, Duration lease);
  CrowdStatus end_surge(const std::string& by);
  std::string log_error_text() const;  // "" while the log can be written

 private:
  using Input = std::function<void(Crowd&, const Moment&)>;

  void run();
  void carry_out(Crowd::Effects effects, const Moment& now);
  bool flush();
  void send(Crowd::Outgoing outgoing);
  void publish(Crowd& crowd, MonoTime now);
  CrowdStatus change(Input input);
  Moment now() const { return {clock_.mono(), clock_.wall()}; }

  const Options options_;
  const Clock& clock_;
  LogFile log_;
  MonoTime flush_by_ = MonoTime::max();
  Mailbox<Input> inputs_;

  mutable std::mutex mutex_;
  mutable std::condition_variable published_;
  CrowdStatus status_;
  std::uint64_t changes_asked_ = 0;
  std::uint64_t changes_made_ = 0;     // as of status_
  std::uint64_t changes_applied_ = 0;  // thread `crowd` only
  std::string log_error_;
  bool stopped_ = false;

  HttpFleet fleet_;  // its callbacks use the mailbox: destroyed first
  std::thread thread_;
};

}  // namespace panshi::shop
