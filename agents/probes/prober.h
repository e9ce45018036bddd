// SPDX-License-Identifier: Apache-2.0
// Prober: runs the node's probes but those of kind `process`, each exactly on its own schedule.
//
// A probe that hangs delays no other: sockets do not block, and clients that can only block have a
// thread each which is not waited for. At a probe's timeout the run is reported as bad with the
// time so far, and the next one begins on the schedule. A run is a new connection where nothing
// blocks. All state belongs to the thread `probes`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agents/config/config.h"
#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

struct ProbePlan {
  std::string name;
  ProbeTarget target;  // any kind but process
  Duration every{};
  Duration timeout{};  // runs that fall into one that takes longer than `every` are skipped
};

struct ProbeRun {
  std::string probe;
  bool good = false;
  std::string reason;                                  // why not good
  Duration latency{};                                  // until the answer, or until the timeout
  MonoTime at{};                                       // when it was known
  std::vector<std::pair<std::string, double>> values;  // signals read from the answer
};

class Prober {
 public:
  using Report = std::function<void(std::vector<ProbeRun>)>;  // on the thread `probes`

  // kInternal when the kernel gives no epoll.
  static Result<std::unique_ptr<Prober>> create(Report report);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Any thread. The same name again replaces the probe. After remove() one last run may still come.
  void add(ProbePlan plan);
  void remove(const std::string& name);

 private:
  struct Impl;
  explicit Prober(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi::agent
