// SPDX-License-Identifier: Apache-2.0
#include "agents/probes/prober.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "agents/probes/http_probe.h"
#include "agents/probes/judge.h"
#include "agents/probes/kinds/kind.h"
#include "agents/probes/socket.h"
#include "agents/probes/worker.h"
#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr std::uint64_t kWakeTag = 0;  // epoll data of the eventfd; probes count from 1
// Probes begin on multiples of this (plus k × every), so that several share one wake-up.
constexpr Duration kPhase = std::chrono::milliseconds(10);

}  // namespace

struct Prober::Impl {
  struct Probe {
    std::uint64_t tag = 0;
    ProbePlan plan;
    const ProbeKind* kind = nullptr;
    MonoTime due{};
    std::optional<MonoTime> began;  // a run is under way
    std::uint64_t run = 0;          // how many there were
    ProbeSocket socket;
    std::unique_ptr<ProbeWorker> worker;
    bool worker_busy = false;      // maybe still with an earlier run
    std::uint64_t worker_run = 0;  // that one
  };
  struct Answered {  // by a worker or over HTTP
    std::uint64_t tag;
    std::uint64_t run;  // 0: the worker's
    ProbeAnswer answer;
  };

  Report report;
  int epoll = -1;
  int wake = -1;
  std::mutex mutex;  // guards the next four
  bool stopping = false;
  std::vector<ProbePlan> to_add;
  std::vector<std::string> to_remove;
  std::vector<Answered> answered;

  std::unique_ptr<HttpProbes> http;  // once there is a probe that wants it
  std::map<std::uint64_t, std::unique_ptr<Probe>> probes;
  std::map<std::uint64_t, std::unique_ptr<ProbeWorker>> retired;  // busy when their probe went
  std::vector<ProbeRun> runs;                                     // since the last report
  std::uint64_t last_tag = kWakeTag;
  SystemClock clock;
  std::thread thread;

  ~Impl() {
    if (thread.joinable()) {
      {
        const std::lock_guard lock(mutex);
        stopping = true;
      }
      ring();
      thread.join();
    }
    http.reset();  // has nobody to answer to
    probes.clear();
    retired.clear();
    if (epoll >= 0) ::close(epoll);
    if (wake >= 0) ::close(wake);
  }

  void ring() {
    const std::uint64_t one = 1;
    // Cannot fail but when the counter is full, and then the thread is awake anyway.
    (void)!::write(wake, &one, sizeof one);
  }

  void run() {
    ::pthread_setname_np(::pthread_self(), "probes");
    std::array<epoll_event, 64> events;
    while (take_orders()) {
      const std::optional<MonoTime> deadline = next_deadline();
      timespec wait{};
      if (deadline) wait = until(*deadline);
      const int count = ::epoll_pwait2(epoll, events.data(), static_cast<int>(events.size()),
                                       deadline ? &wait : nullptr, nullptr);
      for (int i = 0; i < count; ++i) on_socket(events[static_cast<std::size_t>(i)].data.u64);
      const MonoTime now = clock.mono();
      for (const auto& [tag, probe] : probes) {
        if (probe->began && *probe->began + probe->plan.timeout <= now) time_out(*probe, now);
        if (!probe->began && probe->due <= now) begin(*probe, now);
      }
      if (!runs.empty()) report(std::exchange(runs, {}));
    }
  }

  timespec until(MonoTime deadline) const {
    const Duration left = std::max(Duration(0), deadline - clock.mono());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    timespec wait{};
    wait.tv_sec = seconds.count();
    wait.tv_nsec = std::chrono::nanoseconds(left - seconds).count();
    return wait;
  }

  std::optional<MonoTime> next_deadline() const {
    std::optional<MonoTime> first;
    for (const auto& [tag, probe] : probes) {
      const MonoTime at = probe->began ? *probe->began + probe->plan.timeout : probe->due;
      if (!first || at < *first) first = at;
    }
    return first;
  }

  // What other threads left for us; false when it is time to end.
  bool take_orders() {
    std::vector<ProbePlan> plans;
    std::vector<std::string> names;
    std::vector<Answered> results;
    {
      const std::lock_guard lock(mutex);
      if (stopping) return false;
      plans.swap(to_add);
      names.swap(to_remove);
      results.swap(answered);
    }
    for (Answered& result : results) on_answer(std::move(result));
    for (const std::string& name : names) drop(name);
    for (ProbePlan& plan : plans) adopt(std::move(plan));
    return true;
  }

  void drop(const std::string& name) {
    std::erase_if(probes, [&](auto& item) {
      Probe& probe = *item.second;
      if (probe.plan.name != name) return false;
      if (probe.worker_busy) retired[probe.tag] = std::move(probe.worker);
      return true;
    });
  }

  void adopt(ProbePlan plan) {
    drop(plan.name);
    auto probe = std::make_unique<Probe>();
    probe->tag = ++last_tag;
    probe->plan = std::move(plan);
    const Duration now = clock.mono().time_since_epoch();
    probe->due = MonoTime(now / kPhase * kPhase + kPhase);
    probe->kind = find_probe_kind(probe->plan.target.kind);
    CHECK_BUG(probe->kind != nullptr);
    if (probe->kind->way == ProbeKind::Way::kBlocking) {
      probe->worker = std::make_unique<ProbeWorker>(
          probe->kind->make_ask(probe->plan.target, probe->plan.timeout),
          [this, tag = probe->tag](ProbeAnswer answer) {
            put({tag, 0, std::move(answer)});
          });
    }
    if (probe->kind->way == ProbeKind::Way::kHttp && !http) http = std::make_unique<HttpProbes>();
    probes[probe->tag] = std::move(probe);
  }

  void put(Answered one) {  // any thread
    {
      const std::lock_guard lock(mutex);
      answered.push_back(std::move(one));
    }
    ring();
  }

  void begin(Probe& probe, MonoTime now) {
    probe.due = on_grid(probe.due, probe.plan.every, now);
    probe.began = now;
    ++probe.run;
    if (probe.worker) {
      if (!probe.worker_busy) {
        probe.worker_run = probe.run;
        probe.worker->start();
      }
      probe.worker_busy = true;
      return;
    }
    if (probe.kind->way == ProbeKind::Way::kHttp) {
      return http->start(*probe.kind, probe.plan.target, probe.plan.timeout,
                         [this, tag = probe.tag, run = probe.run](ProbeAnswer answer) {
                           put({tag, run, std::move(answer)});
                         });
    }
    if (auto opened = probe.socket.open(probe.plan.target); !opened) {
      return finish(probe, {opened.error().message, {}});
    }
    if (auto ended = probe.socket.connected()) return finish(probe, answer_of(*ended));
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.u64 = probe.tag;
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, probe.socket.fd(), &event) != 0) {
      finish(probe, {cat("epoll: ", std::strerror(errno)), {}});
    }
  }

  void on_socket(std::uint64_t tag) {
    if (tag == kWakeTag) {
      std::uint64_t count = 0;
      (void)!::read(wake, &count, sizeof count);
      return;
    }
    const auto found = probes.find(tag);
    if (found == probes.end() || !found->second->began) return;
    Probe& probe = *found->second;
    if (auto ended = probe.socket.connected()) finish(probe, answer_of(*ended));
  }

  void on_answer(Answered result) {
    if (result.run == 0 && retired.erase(result.tag) > 0) return;
    const auto found = probes.find(result.tag);
    if (found == probes.end()) return;
    Probe& probe = *found->second;
    if (result.run == 0) {
      probe.worker_busy = false;
      result.run = probe.worker_run;
    }
    // The answer to a run that was given up says nothing about the one under way.
    if (!probe.began || result.run != probe.run) return;
    const MonoTime now = clock.mono();
    if (*probe.began + probe.plan.timeout <= now) return time_out(probe, now);  // both just now
    finish(probe, std::move(result.answer), now);
  }

  void time_out(Probe& probe, MonoTime now) {
    finish(probe, {cat("no answer within ", duration_text(probe.plan.timeout)), {}}, now);
  }

  static ProbeAnswer answer_of(const Status& status) {
    return {status ? "" : status.error().message, {}};
  }

  void finish(Probe& probe, ProbeAnswer answer) { finish(probe, std::move(answer), clock.mono()); }
  void finish(Probe& probe, ProbeAnswer answer, MonoTime now) {
    ProbeRun run;
    run.probe = probe.plan.name;
    run.good = answer.reason.empty();
    run.reason = std::move(answer.reason);
    run.latency = now - *probe.began;
    run.at = now;
    for (auto& [signal, value] : answer.values) {
      const bool named = probe.kind->signals.empty();  // in the configuration
      run.values.emplace_back(named ? signal : cat(run.probe, ".", signal), value);
    }
    probe.socket.close();  // leaves epoll by itself
    probe.began.reset();
    runs.push_back(std::move(run));
  }
};

Result<std::unique_ptr<Prober>> Prober::create(Report report) {
  auto impl = std::make_unique<Impl>();
  impl->report = std::move(report);
  impl->epoll = ::epoll_create1(EPOLL_CLOEXEC);
  impl->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeTag;
  if (impl->epoll < 0 || impl->wake < 0 ||
      ::epoll_ctl(impl->epoll, EPOLL_CTL_ADD, impl->wake, &event) != 0) {
    return fail(ErrorCode::kInternal, cat("probes: ", std::strerror(errno)));
  }
  impl->thread = std::thread([raw = impl.get()] { raw->run(); });
  return std::unique_ptr<Prober>(new Prober(std::move(impl)));
}

Prober::Prober(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Prober::~Prober() = default;

void Prober::add(ProbePlan plan) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->to_add.push_back(std::move(plan));
  }
  impl_->ring();
}

void Prober::remove(const std::string& name) {
  {
    const std::lock_guard lock(impl_->mutex);
    std::erase_if(impl_->to_add, [&](const ProbePlan& plan) { return plan.name == name; });
    impl_->to_remove.push_back(name);
  }
  impl_->ring();
}

}  // namespace panshi::agent
