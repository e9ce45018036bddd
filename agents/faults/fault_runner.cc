// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/fault_runner.h"

#include <pthread.h>

#include <algorithm>

#include "agents/faults/failpoint.h"
#include "agents/faults/guarded.h"
#include "agents/faults/holds.h"
#include "agents/faults/upkeep.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::agent {
namespace {

constexpr int kStuckAfter = 4;  // tries, the last about a second after the first

using Phase = LiveFault::Phase;

// The thread `leases` moves this often also when no lease runs out, and promises no more than the
// second: what is being reverted has no lease any more, and must not stay so in a frozen process.
constexpr Duration kMoveEvery = std::chrono::seconds(1);
constexpr Duration kMovesWithin = std::chrono::seconds(4);

nlohmann::json measure(const LiveFault& fault) {
  try {
    return fault.fault->measure(fault.resolved);
  } catch (const std::exception&) {  // as above; what cannot be measured is told without figures
    return nlohmann::json::object();
  }
}

LiveFaultPtr left_behind(UndoRecord record, const std::string& why, Host& host) {
  auto fault = std::make_shared<LiveFault>();
  fault->facts = std::move(record.facts);
  fault->resolved = std::move(record.resolved);
  fault->live_at = record.at;  // whoever wrote the record may have died before it said so
  fault->phase = Phase::kLive;
  fault->holds = true;
  fault->left_behind = true;
  fault->revert_error = why;
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
    live.emplace(id, left_behind(std::move(record), options.left_behind, host));
  }
  moved_at_ = mono_now();
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
  if (options.on_moving) options.on_moving(MonoTime::max());
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
  leases_moved();
}

void FaultRunner::leases_moved() {
  tell_moving();
  lease_moved_.notify_all();
}

// A lease is not over while the thread that must see its end stands still, whoever renewed it.
void FaultRunner::tell_moving() {
  if (!options.on_moving || closing_) return;
  const MonoTime by = moved_at_ + kMovesWithin;
  options.on_moving(std::min(leases.next_expiry().value_or(by), by));
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
    moved_at_ = now;
    tell_moving();
    lease_moved_.wait_until(lock, std::min(next.value_or(MonoTime::max()), now + kMoveEvery));
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
  const auto refuse = [&](const Error& error) {
    fault.refusal = error.message;
    fault.refusal_code = error.code;
    return fail(error.code, error.message);
  };
  // What is known of it without a look is compared first: that is the better reason.
  if (auto free = find_clash(fault, nlohmann::json::object()); !free) return refuse(free.error());
  auto resolved = guarded([&] { return fault.fault->resolve(); });
  if (!resolved) return refuse(resolved.error());
  fault.resolved = std::move(*resolved);
  if (auto taken = take_hold(fault); !taken) return refuse(taken.error());
  // In steps of it what can end at a server by itself is kept up there (upkeep.h).
  if (fault.resolved.is_object()) fault.resolved[kLeaseMs] = fault.facts.lease_ms;
  reach(Stage::kBeforeIntent);
  if (auto written = journal->write({fault.facts, fault.resolved, wall_now()}); !written) {
    (void)journal->remove(fault.facts.id);  // may be there whole although its fsync failed
    return refuse({ErrorCode::kUnavailable, "undo record: " + written.error().message});
  }
  {
    const std::lock_guard lock(mutex);
    fault.recorded = true;
  }
  reach(Stage::kIntent);
  const MonoTime acting = mono_now();
  const WallTime acting_at = wall_now();
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
  fault.live_at = acting_at;
  return {};
}

// What the others hold is looked up anew: processes come and go.
Status FaultRunner::find_clash(const LiveFault& fault, const nlohmann::json& resolved) {
  std::vector<LiveFaultPtr> others;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [id, other] : live) {
      if (other->holds && other->kind != nullptr) others.push_back(other);
    }
  }
  const Holds holds = holds_of(*fault.kind, fault.facts, resolved, host);
  for (const LiveFaultPtr& other : others) {
    const auto held = guarded([&]() -> Result<Holds> {
      return holds_of(*other->kind, other->facts, other->resolved, host);
    });
    if (!held) continue;  // a record that cannot be understood, which fsck names
    if (const auto why = clash(holds, *held)) {
      return fail(ErrorCode::kConflict,
                  cat("fault ", other->facts.id, " (", other->facts.kind, ") ", *why));
    }
  }
  return {};
}

Status FaultRunner::take_hold(LiveFault& fault) {
  const std::lock_guard one_by_one(holds_mutex_);
  if (auto free = find_clash(fault, fault.resolved); !free) return free;
  const std::lock_guard lock(mutex);
  fault.holds = true;
  return {};
}

EndedFault FaultRunner::ended_of(const LiveFault& fault) {
  const bool failed = !fault.apply_error.empty();
  return {.facts = fault.facts,
          .state = failed ? "failed" : "reverted",
          .error = fault.apply_error,
          .measured = fault.measured,
          .reason = fault.revert_reason,
          .live_at = fault.live_at,
          .ended_at = fault.ended_at};
}

void FaultRunner::run_revert(const LiveFaultPtr& fault) {
  const MonoTime began = mono_now();
  const Status reverted = revert(*fault, began);
  bool stuck = false;
  std::unique_lock lock(mutex);
  ++fault->revert_tries;
  if (reverted) {
    leases.release(fault->facts.id);
    live.erase(fault->facts.id);
    fault->phase = Phase::kEnded;
    fault->revert_error.clear();
    remember(ended_of(*fault));
  } else {
    const bool news = fault->revert_error != reverted.error().message;
    // Some want a second or third try; whoever has to come and help is not called for those.
    stuck = fault->revert_tries == kStuckAfter || (news && fault->revert_tries > kStuckAfter);
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
  lock.unlock();
  if (stuck) {
    emit("fault.stuck", {{"fault", fault->facts.id}, {"error", reverted.error().message}},
         mono_now());
  }
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
  note_what_is_left(fault);
  const bool failed = !fault.apply_error.empty();
  const MonoTime healed = mono_now();
  fault.ended_at = wall_now();
  reach(Stage::kReverted);
  // First remembered as ended, then forgotten as in force: an id is never applied twice.
  if (auto appended = journal->append(ended_of(fault)); !appended) {
    return fail(appended.error(),
                "it is undone, but not written down as over, so its undo record stays");
  }
  reach(Stage::kRemembered);
  if (auto removed = journal->remove(fault.facts.id); !removed) {
    return fail(removed.error(), "remove the undo record");
  }
  fault.fault->forget();
  if (failed) {
    emit("fault.failed", {{"fault", fault.facts.id}, {"error", fault.apply_error}}, healed);
  } else {
    nlohmann::json data = {{"fault", fault.facts.id},
                           {"reason", fault.revert_reason},
                           {"measured", fault.measured},
                           {"took_us", (healed - began).count()}};
    // For who has not heard that it came into force: an agent before this one may have done it.
    if (fault.live_at) {
      const Duration lasted = *fault.ended_at - *fault.live_at;
      data["live_for_us"] = std::max(lasted, Duration(0)).count();
    }
    emit("fault.reverted", std::move(data), healed);
  }
  return {};
}

void FaultRunner::note_what_is_left(LiveFault& fault) {
  const std::string left = fault.fault->left(fault.resolved);
  if (left.empty()) return;
  log_error(cat("fault ", fault.facts.id, ": not everything could be given back: ", left));
  const std::lock_guard lock(mutex);
  fault.measured["left"] = left;
}

void FaultRunner::emit(const std::string& kind, nlohmann::json data, MonoTime at) {
  if (!options.on_event) return;
  const std::lock_guard lock(event_mutex_);
  options.on_event(kind, std::move(data), at);
}

}  // namespace panshi::agent
