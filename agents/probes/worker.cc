// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/worker.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/mariadb.h"
#include "core/io/redis.h"

namespace panshi::agent {

struct ProbeWorker::Impl {
  Ask ask;
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

ProbeWorker::ProbeWorker(Ask ask, Done done) : impl_(std::make_unique<Impl>()) {
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

ProbeWorker::Ask make_blocking_ask(const ProbeTarget& target, Duration timeout) {
  if (target.kind == "sql") {
    const MariaDb::Options options{target.host,     target.port, target.user, target.password,
                                   target.database, timeout,     timeout};
    // A shared_ptr because std::function wants to be copyable; nobody copies it.
    return [options, query = target.query,
            database = std::make_shared<std::optional<MariaDb>>()]() -> Status {
      if (!*database) {
        auto connected = MariaDb::connect(options);
        if (!connected) return fail(connected.error(), "connect");
        *database = std::move(*connected);
      }
      if (auto answer = (*database)->run(query); !answer) {
        database->reset();
        return fail(answer.error(), "query");
      }
      return {};
    };
  }
  CHECK_BUG(target.kind == "redis");
  const Redis::Options options{target.host, target.port, target.password, timeout, timeout};
  return [options, redis = std::make_shared<std::optional<Redis>>()]() -> Status {
    if (!*redis) {
      auto connected = Redis::connect(options);
      if (!connected) return fail(connected.error(), "connect");
      *redis = std::move(*connected);
    }
    if (auto answer = (*redis)->run({"PING"}); !answer) {
      redis->reset();
      return fail(answer.error(), "PING");
    }
    return {};
  };
}

}  // namespace panshi::agent
