// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/fault_runner.h"

#include <pthread.h>

#include <algorithm>

#include "agents/faults/failpoint.h"
#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::agent {
namespace {

using Phase = LiveFault::Phase;

MonoTime mono_now() { return SystemClock().mono(); }

// A record that was tampered with may lack what a fault expects to find in it; and a defect of one
// kind must not end the agent, which holds the others.
template <class Act>
auto guarded(Act act) -> decltype(act()) {
  try {
    return act();
  } catch (const nlohmann::json::exception& wrong) {
    return fail(ErrorCode::kInvalid, cat("undo record: ", std::string(wrong.what())));
  } catch (const std::exception& defect) {
    return fail(ErrorCode::kInternal, cat("a defect: ", std::string(defect.what())));
  }
}

nlohmann::json measure(const LiveFault& fault) {
  try {
    return fault.fault->measure(fault.resolved);
  } catch (const std::exception&) {  // as above; what cannot be measured is told without figures
    return nlohmann::json::object();
  }
}

LiveFaultPtr left_behind(UndoRecord record, Host& host) {
  auto fault = std::make_shared<LiveFault>();
  fault->facts = std::move(record.facts);
  fault->resolved = std::move(record.resolved);
  fault->phase = Phase::kLive;
  fault->revert_error = "left by an earlier run";
  Problems problems;
  if (const auto kind = find_kind(fault->facts.kind)) {
    const auto request =
        read_request(**kind, fault->facts.id, fault->facts.target, fault->facts.params, problems);
    if (problems.empty()) {
      fault->kind = *kind;
      fault->fault = (*kind)->make(request, host);
    }
  }
  return fault;
}

}  // namespace

FaultRunner::FaultRunner(FaultBook::Options given, Host& its_host,
                         std::unique_ptr<FaultJournal> its_journal, FaultJournal::Contents contents)
    : leases(given.limits),
      ended(std::move(contents.ended)),
      options(std::move(given)),
      host(its_host),
      journal(std::move(its_journal)),
      unreadable(std::move(contents.unreadable)),
      workers_(options.limits.live_max + contents.in_force.size()) {
  for (UndoRecord& record : contents.in_force) {
    const FaultId id = record.facts.id;
    live.emplace(id, left_behind(std::move(record), host));
  }
  lease_thread_ = std::thread([this] { run_leases(); });
  ::pthread_setname_np(lease_thread_.native_handle(), "leases");
}

FaultRunner::~FaultRunner() {
  {
    const std::lock_guard lock(mutex);
    closing_ = true;
  }
  lease_moved_.notify_all();
  lease_thread_.join();
}

const EndedFault* FaultRunner::find_ended(const FaultId& id) const {
  const auto found = std::find_if(ended.rbegin(), ended.rend(),
                                  [&](const EndedFault& each) { return each.facts.id == id; });
  return found == ended.rend() ? nullptr : &*found;
}

void FaultRunner::remember(EndedFault fault) {
  ended.push_back(std::move(fault));
  if (ended.size() > FaultJournal::kEndedMax) ended.pop_front();
}

void FaultRunner::start_apply(const LiveFaultPtr& fault) {
  fault->phase = Phase::kApplying;
  workers_.run([this, fault] { run_apply(fault); });
  lease_moved_.notify_all();
}

void FaultRunner::want_revert(const LiveFaultPtr& fault, const std::string& reason) {
  if (fault->revert_reason.empty()) fault->revert_reason = reason;
  if (fault->phase != Phase::kLive && fault->phase != Phase::kRetry) return;
  fault->phase = Phase::kReverting;
  workers_.run([this, fault] { run_revert(fault); });
}

void FaultRunner::run_leases() {
  std::unique_lock lock(mutex);
  while (!closing_) {
    const MonoTime now = mono_now();
    for (const FaultId& id : leases.take_expired(now)) {
      if (const auto found = live.find(id); found != live.end())
        want_revert(found->second, "lease");
    }
    auto next = leases.next_expiry();
    for (const auto& [id, fault] : live) {
      if (fault->phase != Phase::kRetry) continue;
      if (fault->retry_at <= now) {
        want_revert(fault, "lease");
      } else if (!next || fault->retry_at < *next) {
        next = fault->retry_at;
      }
    }
    if (next) {
      lease_moved_.wait_until(lock, *next);
    } else {
      lease_moved_.wait(lock);
    }
  }
}

void FaultRunner::run_apply(const LiveFaultPtr& fault) {
  const MonoTime began = mono_now();
  const Status applied = apply(*fault, began);
  std::unique_lock lock(mutex);
  if (!fault->refusal.empty()) {
    leases.release(fault->facts.id);
    live.erase(fault->facts.id);
    fault->phase = Phase::kEnded;
  } else if (!applied || !fault->revert_reason.empty()) {
    if (!applied) fault->apply_error = applied.error().message;
    if (fault->revert_reason.empty()) fault->revert_reason = "failed";
    fault->phase = Phase::kReverting;
    lock.unlock();
    return run_revert(fault);
  } else {
    fault->phase = Phase::kLive;
  }
  changed.notify_all();
}

// Each step is durable before the next: whatever the instruction at which we die, an undo record
// is on disk when the host may have been touched.
Status FaultRunner::apply(LiveFault& fault, MonoTime began) {
  auto resolved = guarded([&] { return fault.fault->resolve(); });
  const auto refuse = [&](const Error& error) {
    fault.refusal = error.message;
    fault.refusal_code = error.code;
    return fail(error.code, error.message);
  };
  if (!resolved) return refuse(resolved.error());
  fault.resolved = std::move(*resolved);
  reach(Stage::kBeforeIntent);
  if (auto written = journal->write({fault.facts, fault.resolved}); !written) {
    (void)journal->remove(fault.facts.id);  // may be there whole although its fsync failed
    return refuse({ErrorCode::kUnavailable, "undo record: " + written.error().message});
  }
  reach(Stage::kIntent);
  const MonoTime acting = mono_now();
  auto applied = guarded([&] { return fault.fault->apply(fault.resolved); });
  if (!applied) return applied;
  reach(Stage::kApplied);
  nlohmann::json measured = measure(fault);
  emit("fault.live",
       {{"fault", fault.facts.id},
        {"kind", fault.facts.kind},
        {"target", fault.facts.target},
        {"measured", measured},
        {"took_us", (mono_now() - began).count()}},
       acting);
  const std::lock_guard lock(mutex);
  fault.measured = std::move(measured);
  return {};
}

void FaultRunner::run_revert(const LiveFaultPtr& fault) {
  const MonoTime began = mono_now();
  const Status reverted = revert(*fault, began);
  std::unique_lock lock(mutex);
  ++fault->revert_tries;
  if (reverted) {
    leases.release(fault->facts.id);
    live.erase(fault->facts.id);
    fault->phase = Phase::kEnded;
    fault->revert_error.clear();
    remember({fault->facts, fault->apply_error.empty() ? "reverted" : "failed", fault->apply_error,
              fault->measured});
  } else {
    const bool news = fault->revert_error != reverted.error().message;
    fault->revert_error = reverted.error().message;
    fault->backoff = fault->revert_tries == 1 ? options.retry_first
                                              : std::min(2 * fault->backoff, options.retry_max);
    fault->retry_at = mono_now() + fault->backoff;
    fault->phase = Phase::kRetry;
    lease_moved_.notify_all();
    if (news) {  // not each time: it may go on for days
      log_error(cat("fault ", fault->facts.id,
                    ": revert failed, will be tried until it works: ", fault->revert_error));
    }
  }
  changed.notify_all();
}

Status FaultRunner::revert(LiveFault& fault, MonoTime began) {
  if (fault.fault == nullptr) {
    return fail(ErrorCode::kInvalid, cat("fault kind `", fault.facts.kind,
                                         "` with these parameters is not known to this version"));
  }
  if (fault.apply_error.empty() && fault.revert_tries == 0) {
    nlohmann::json measured = measure(fault);
    const std::lock_guard lock(mutex);
    fault.measured = std::move(measured);
  }
  reach(Stage::kReverting);
  auto reverted = guarded([&] { return fault.fault->revert(fault.resolved); });
  if (!reverted && reverted.error().code != ErrorCode::kNotFound) return reverted;
  const bool failed = !fault.apply_error.empty();
  const MonoTime healed = mono_now();
  reach(Stage::kReverted);
  // First remembered as ended, then forgotten as in force: an id is never applied twice.
  auto appended = journal->append(
      {fault.facts, failed ? "failed" : "reverted", fault.apply_error, fault.measured});
  if (!appended) return fail(appended.error(), "remember that it is reverted");
  reach(Stage::kRemembered);
  if (auto removed = journal->remove(fault.facts.id); !removed) {
    return fail(removed.error(), "remove the undo record");
  }
  if (failed) {
    emit("fault.failed", {{"fault", fault.facts.id}, {"error", fault.apply_error}}, healed);
  } else {
    emit("fault.reverted",
         {{"fault", fault.facts.id},
          {"reason", fault.revert_reason},
          {"measured", fault.measured},
          {"took_us", (healed - began).count()}},
         healed);
  }
  return {};
}

void FaultRunner::emit(const std::string& kind, nlohmann::json data, MonoTime at) {
  if (!options.on_event) return;
  const std::lock_guard lock(event_mutex_);
  options.on_event(kind, std::move(data), at);
}

}  // namespace panshi::agent
