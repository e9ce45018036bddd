// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/worker.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace panshi::agent {

struct ProbeWorker::Impl {
  ProbeAsk ask;
  Done done;
  std::mutex mutex;
  std::condition_variable changed;
  bool asked = false;
  bool stopping = false;
  std::thread thread;

  void run() {
    for (;;) {
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return asked || stopping; });
        if (stopping) return;
        asked = false;
      }
      done(ask());
    }
  }
};

ProbeWorker::ProbeWorker(ProbeAsk ask, Done done) : impl_(std::make_unique<Impl>()) {
  impl_->ask = std::move(ask);
  impl_->done = std::move(done);
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

ProbeWorker::~ProbeWorker() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_one();
  impl_->thread.join();
}

void ProbeWorker::start() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->asked = true;
  }
  impl_->changed.notify_one();
}

}  // namespace panshi::agent
