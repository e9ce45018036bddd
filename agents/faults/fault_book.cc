// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/fault_book.h"

#include <algorithm>
#include <set>

#include "agents/faults/fault_runner.h"
#include "agents/faults/file/kept_file.h"
#include "agents/faults/fsck.h"
#include "agents/faults/node_target.h"
#include "agents/faults/traces/traces.h"
#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

using Phase = LiveFault::Phase;

// Null: it is not known, or never was.
nlohmann::json age_us(const std::optional<WallTime>& at, WallTime now) {
  if (!at) return nullptr;
  return std::max<std::int64_t>(0, (now - *at).count());
}

nlohmann::json fault_json(const EndedFault& ended, WallTime now) {
  return {{"id", ended.facts.id},
          {"kind", ended.facts.kind},
          {"target", ended.facts.target},
          {"params", ended.facts.params},
          {"known", !ended.facts.kind.empty()},
          {"state", ended.state},
          {"error", ended.error},
          {"reason", ended.reason},
          {"live_age_us", age_us(ended.live_at, now)},
          {"ended_age_us", age_us(ended.ended_at, now)},
          {"expires_in_ms", 0},
          {"measured", ended.measured}};
}

// In force means that it may be: being applied, being reverted, waiting for the next try. Until its
// undo record is there it can still be refused, and nothing has been touched.
const char* state_word(const LiveFault& fault) {
  return fault.phase == Phase::kApplying && !fault.recorded ? "applying" : "live";
}

nlohmann::json fault_json(const LiveFault& fault, const LeaseBook& leases, WallTime now) {
  std::int64_t expires_in_ms = 0;
  if (const auto expiry = leases.expiry(fault.facts.id)) {
    expires_in_ms = std::max<std::int64_t>(0, (*expiry - mono_now()).count() / 1000);
  }
  std::string error = fault.apply_error;
  if (!fault.revert_error.empty()) {
    error += cat(error.empty() ? "" : "; ", "not reverted yet: ", fault.revert_error);
  }
  return {{"id", fault.facts.id},
          {"kind", fault.facts.kind},
          {"target", fault.facts.target},
          {"params", fault.facts.params},
          {"known", true},
          {"state", state_word(fault)},
          {"error", error},
          {"reason", fault.revert_reason},
          {"live_age_us", age_us(fault.live_at, now)},
          {"ended_age_us", nullptr},
          {"expires_in_ms", expires_in_ms},
          {"measured", fault.measured}};
}

FaultFacts facts_of(const FaultOrder& order, const FaultKind& kind, const FaultRequest& request) {
  FaultFacts facts{.id = order.id,
                   .epoch = order.epoch,
                   .kind = order.kind,
                   .target = {{request.target_key, request.target}},
                   .lease_ms = order.lease.count() / 1000,
                   .drill = order.drill};
  facts.params = fault_params_json(kind, request.params);
  return facts;
}

// A fault on a file keeps a copy of its undo record beside the original: when the record itself is
// gone, or cannot be read, it is reverted by that.
void take_copies(Host& host, FaultJournal::Contents& contents) {
  const auto folder = kept_folder(host);
  const auto has = [](const FaultId& id, const auto& all) {
    return std::any_of(all.begin(), all.end(),
                       [&](const auto& each) { return each.facts.id == id; });
  };
  KeptFile::sweep(folder, [&](const FaultId& id) { return has(id, contents.in_force); });
  for (const FaultId& id : KeptFile::faults(folder)) {
    const KeptFile kept(folder, id);
    nlohmann::json copy = kept.record();
    if (has(id, contents.in_force) || has(id, contents.ended)) continue;
    if (!kept.why_left().empty() || !copy.is_object()) continue;
    log_warn(cat("the undo record of fault ", id, " is gone: there is a copy in ",
                 (folder / id).string()));
    const nlohmann::json none = nlohmann::json::object();
    contents.in_force.push_back({.facts = {.id = id,
                                           .kind = copy.value("kind", std::string()),
                                           .target = copy.value("target", none),
                                           .params = copy.value("params", none)},
                                 .resolved = copy.value("resolved", none)});
    std::erase_if(contents.unreadable,
                  [&](const auto& each) { return std::filesystem::path(each.first).stem() == id; });
  }
}

tl::unexpected<Error> conflict(const FaultId& id) {
  return fail(ErrorCode::kConflict, cat("fault ", id, " was ordered before with another body"));
}

}  // namespace

struct FaultBook::Impl {
  Impl(Options options, Host& host, std::unique_ptr<FaultJournal> journal,
       FaultJournal::Contents contents)
      : runner(std::move(options), host, std::move(journal), std::move(contents)) {}

  FaultRunner runner;

  // The rest with runner.mutex held.
  nlohmann::json json_of(const FaultId& id) const;
  Status check_limits() const;
  Result<LiveFaultPtr> admit(FaultFacts facts, const FaultKind& kind, const FaultRequest& request,
                             Duration lease);
  Result<nlohmann::json> await_applied(const LiveFaultPtr& fault,
                                       std::unique_lock<std::mutex>& lock);
  Reverted revert_each(std::vector<LiveFaultPtr> faults, const std::string& reason,
                       std::unique_lock<std::mutex>& lock, Duration insist = {});
  std::vector<LiveFaultPtr> all() const;
  // Without `mutex`: what its undo record would have undone has been cleared otherwise.
  void forget_unreadable(const FaultId& id);
  // What nobody can revert did not end: REQUIRES the lock.
  Reverted with_unreadable(Reverted result) const {
    for (const auto& [file, why] : runner.unreadable) {
      result.failed.emplace_back(std::filesystem::path(file).stem(),
                                 cat("its undo record ", why, "; look at fsck"));
    }
    return result;
  }
};

nlohmann::json FaultBook::Impl::json_of(const FaultId& id) const {
  if (const auto found = runner.live.find(id); found != runner.live.end()) {
    return fault_json(*found->second, runner.leases, runner.wall_now());
  }
  const EndedFault* ended = runner.find_ended(id);
  return ended == nullptr ? nlohmann::json() : fault_json(*ended, runner.wall_now());
}

std::vector<LiveFaultPtr> FaultBook::Impl::all() const {
  std::vector<LiveFaultPtr> faults;
  for (const auto& [id, fault] : runner.live) faults.push_back(fault);
  return faults;
}

void FaultBook::Impl::forget_unreadable(const FaultId& id) {
  const std::lock_guard lock(runner.mutex);
  const auto is_its = [&](const auto& each) {
    return std::filesystem::path(each.first).stem() == id;
  };
  if (std::none_of(runner.unreadable.begin(), runner.unreadable.end(), is_its)) return;
  if (auto removed = runner.journal->remove(id); !removed) {
    return log_error(cat("undo record of ", id, ": ", removed.error().message));
  }
  std::erase_if(runner.unreadable, is_its);
}

Status FaultBook::Impl::check_limits() const {
  const auto& limits = runner.options.limits;
  if (runner.live.size() >= limits.live_max) {
    return fail(ErrorCode::kRefused, cat("this node has ", runner.live.size(),
                                         " faults in force, its limit is ", limits.live_max));
  }
  return {};
}

Result<LiveFaultPtr> FaultBook::Impl::admit(FaultFacts facts, const FaultKind& kind,
                                            const FaultRequest& request, Duration lease) {
  if (auto allowed = check_limits(); !allowed) return tl::unexpected<Error>(allowed.error());
  if (auto granted = runner.leases.grant(facts.id, lease, mono_now()); !granted) {
    return tl::unexpected<Error>(granted.error());
  }
  auto fault = std::make_shared<LiveFault>();
  fault->facts = std::move(facts);
  fault->kind = &kind;
  fault->fault = kind.make(request, runner.host);
  runner.live.emplace(fault->facts.id, fault);
  runner.start_apply(fault);
  return fault;
}

Result<nlohmann::json> FaultBook::Impl::await_applied(const LiveFaultPtr& fault,
                                                      std::unique_lock<std::mutex>& lock) {
  // A failed one is awaited until it is undone, or the first try to undo it failed.
  runner.changed.wait_for(lock, runner.options.wait_max, [&] {
    return fault->phase == Phase::kLive || fault->phase == Phase::kEnded || fault->revert_tries > 0;
  });
  if (!fault->refusal.empty()) {
    // Nothing was done, and whoever asks again is told the same: not an answer to be asked for
    // again.
    const bool final = fault->refusal_code == ErrorCode::kInternal;
    return fail(final ? ErrorCode::kRefused : fault->refusal_code, fault->refusal);
  }
  return json_of(fault->facts.id);
}

Result<std::unique_ptr<FaultBook>> FaultBook::open(Options options, Host& host) {
  FaultJournal::Contents contents;
  ASSIGN_OR_RETURN(auto journal, FaultJournal::open(options.directory, contents));
  take_copies(host, contents);
  for (const auto& [file, why] : contents.unreadable) {
    log_error(cat("undo record ", file, " ", why, ": it cannot be reverted, look at fsck"));
  }
  return std::unique_ptr<FaultBook>(new FaultBook(
      std::make_unique<Impl>(std::move(options), host, std::move(journal), std::move(contents))));
}

FaultBook::FaultBook(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FaultBook::~FaultBook() = default;

Result<FaultOrder> FaultOrder::from_json(FaultId id, const nlohmann::json& body) {
  Problems problems;
  FaultOrder order{.id = std::move(id), .kind = {}, .target = {}, .params = {}, .drill = {}};
  std::int64_t epoch = 0;
  std::int64_t lease_ms = 0;
  Fields in(body, "", problems);
  in.need("epoch", epoch, {.min = 0});
  in.need("kind", order.kind);
  if (const auto* target = in.need_value("target")) order.target = *target;
  if (const auto* params = in.may_value("params")) order.params = *params;
  in.need("lease_ms", lease_ms, {.min = 1, .max = 86'400'000});
  in.may("drill", order.drill);
  in.done();
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  order.epoch = static_cast<std::uint64_t>(epoch);
  order.lease = std::chrono::milliseconds(lease_ms);
  return order;
}

Result<nlohmann::json> FaultBook::put(const FaultOrder& order) {
  if (!is_id(order.id)) return fail(ErrorCode::kInvalid, "id is not [A-Za-z0-9_.-]{1,128}");
  ASSIGN_OR_RETURN(const FaultKind* kind, find_kind(order.kind));
  Problems problems;
  const auto request = read_request(*kind, order.id, order.target, order.params, problems);
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  FaultFacts facts = facts_of(order, *kind, request);

  std::unique_lock lock(impl_->runner.mutex);
  if (const auto found = impl_->runner.live.find(order.id); found != impl_->runner.live.end()) {
    if (!found->second->facts.same_order(facts)) return conflict(order.id);
    return impl_->await_applied(LiveFaultPtr(found->second), lock);
  }
  if (const EndedFault* ended = impl_->runner.find_ended(order.id)) {
    const bool ordered = !ended->facts.kind.empty();
    if (ordered && !ended->facts.same_order(facts)) return conflict(order.id);
    return fault_json(*ended, impl_->runner.wall_now());
  }
  ASSIGN_OR_RETURN(const auto fault, impl_->admit(std::move(facts), *kind, request, order.lease));
  return impl_->await_applied(fault, lock);
}

Result<nlohmann::json> FaultBook::revert(const FaultId& id) {
  if (!is_id(id)) return fail(ErrorCode::kInvalid, "id is not [A-Za-z0-9_.-]{1,128}");
  std::unique_lock lock(impl_->runner.mutex);
  if (const auto found = impl_->runner.live.find(id); found != impl_->runner.live.end()) {
    (void)impl_->revert_each({found->second}, "asked", lock);
    nlohmann::json state = impl_->json_of(id);
    // Refused while it was being applied: nothing was done, so nothing is in force.
    if (!state.is_null()) return state;
  }
  if (const EndedFault* ended = impl_->runner.find_ended(id)) {
    return fault_json(*ended, impl_->runner.wall_now());
  }
  EndedFault never{.facts = {.id = id}, .state = "reverted", .error = {}};
  if (auto appended = impl_->runner.journal->append(never); !appended) {
    return fail(appended.error(), "remember that it is reverted");
  }
  impl_->runner.remember(never);
  return fault_json(never, impl_->runner.wall_now());
}

FaultBook::Reverted FaultBook::Impl::revert_each(std::vector<LiveFaultPtr> faults,
                                                 const std::string& reason,
                                                 std::unique_lock<std::mutex>& lock,
                                                 Duration insist) {
  std::vector<int> tries;
  for (const LiveFaultPtr& fault : faults) {
    tries.push_back(fault->revert_tries);
    runner.want_revert(fault, reason);
  }
  const auto tried = [&] {
    for (std::size_t i = 0; i < faults.size(); ++i) {
      if (faults[i]->phase != Phase::kEnded && faults[i]->revert_tries == tries[i]) return false;
    }
    return true;
  };
  runner.changed.wait_for(lock, runner.options.wait_max, tried);
  const auto hopeless_or_ended = [](const LiveFaultPtr& fault) {
    return fault->phase == Phase::kEnded || fault->fault == nullptr;
  };
  runner.changed.wait_for(
      lock, insist, [&] { return std::all_of(faults.begin(), faults.end(), hopeless_or_ended); });
  Reverted result;
  for (const LiveFaultPtr& fault : faults) {
    if (fault->phase == Phase::kEnded) {
      if (!fault->refusal.empty()) continue;
      result.reverted.push_back(fault->facts.id);
      result.faults.push_back(json_of(fault->facts.id));
    } else {
      result.failed.emplace_back(fault->facts.id, fault->revert_error.empty()
                                                      ? "still being reverted"
                                                      : fault->revert_error);
    }
  }
  return result;
}

FaultBook::Reverted FaultBook::recover(Duration insist) {
  std::unique_lock lock(impl_->runner.mutex);
  std::vector<LiveFaultPtr> left_behind = impl_->all();  // one may have been ordered already
  std::erase_if(left_behind, [](const LiveFaultPtr& fault) { return !fault->left_behind; });
  return impl_->with_unreadable(
      impl_->revert_each(std::move(left_behind), "agent_start", lock, insist));
}

FaultBook::Reverted FaultBook::revert_all(const std::string& reason, Duration insist) {
  std::unique_lock lock(impl_->runner.mutex);
  return impl_->with_unreadable(impl_->revert_each(impl_->all(), reason, lock, insist));
}

Status FaultBook::renew(std::span<const FaultId> ids, Duration term) {
  const Duration term_max = impl_->runner.options.limits.term_max;
  if (term > term_max) {
    return fail(ErrorCode::kRefused, cat("a lease of ", duration_text(term), " is longer than ",
                                         duration_text(term_max), ", this node's limit"));
  }
  const std::lock_guard lock(impl_->runner.mutex);
  const MonoTime now = mono_now();
  for (const FaultId& id : ids) {
    const auto found = impl_->runner.live.find(id);
    if (found == impl_->runner.live.end() || !found->second->revert_reason.empty()) continue;
    // Refused when it has just run out: then it is being reverted.
    (void)impl_->runner.leases.renew(id, term, now);
  }
  impl_->runner.leases_moved();
  return {};
}

nlohmann::json FaultBook::list() const {
  std::vector<LiveFaultPtr> measurable;
  {
    const std::lock_guard lock(impl_->runner.mutex);
    for (const auto& fault : impl_->all()) {
      if (fault->phase == Phase::kLive && fault->kind != nullptr && fault->kind->cheap_measure) {
        measurable.push_back(fault);
      }
    }
  }
  std::map<FaultId, nlohmann::json> fresh;
  for (const auto& fault : measurable) {
    fresh.emplace(fault->facts.id, fault->fault->measure(fault->resolved));
  }
  const std::lock_guard lock(impl_->runner.mutex);
  const WallTime now = impl_->runner.wall_now();
  nlohmann::json faults = nlohmann::json::array();
  for (const auto& fault : impl_->all()) {
    const auto measured = fresh.find(fault->facts.id);
    if (measured != fresh.end() && fault->phase == Phase::kLive) {
      fault->measured = measured->second;
    }
    faults.push_back(fault_json(*fault, impl_->runner.leases, now));
  }
  for (auto each = impl_->runner.ended.rbegin(); each != impl_->runner.ended.rend(); ++each) {
    faults.push_back(fault_json(*each, now));
  }
  return faults;
}

nlohmann::json FaultBook::get(const FaultId& id) const {
  const std::lock_guard lock(impl_->runner.mutex);
  return impl_->json_of(id);
}

std::size_t FaultBook::live() const {
  const std::lock_guard lock(impl_->runner.mutex);
  return impl_->runner.live.size();
}

std::vector<Leftover> FaultBook::fsck() const {
  FsckView view;
  {
    const std::lock_guard lock(impl_->runner.mutex);
    for (const auto& [id, fault] : impl_->runner.live) {
      // While it is being applied, `resolved` belongs to that thread.
      const bool applying = fault->phase == Phase::kApplying;
      view.live.push_back({fault->facts, applying ? nlohmann::json() : fault->resolved});
      // Also while the next try is under way.
      if (!fault->revert_error.empty()) view.not_reverted[id] = fault->revert_error;
    }
    view.unreadable = impl_->runner.unreadable;
  }
  view.on_disk = impl_->runner.journal->ids_on_disk();
  return find_leftovers(view, impl_->runner.host);
}

Result<nlohmann::json> FaultBook::clear_lost(const FaultOrder& order) {
  if (!is_id(order.id)) return fail(ErrorCode::kInvalid, "id is not [A-Za-z0-9_.-]{1,128}");
  ASSIGN_OR_RETURN(const FaultKind* kind, find_kind(order.kind));
  Problems problems;
  const auto request = read_request(*kind, order.id, order.target, order.params, problems);
  if (!problems.empty()) return tl::unexpected<Error>(problems.error());
  // Remembered as reverted, if it is not known, so that an order that comes late does nothing.
  ASSIGN_OR_RETURN(const nlohmann::json ended, revert(order.id));
  const auto answer = [&](const ClearedTraces& cleared) {
    nlohmann::json left = nlohmann::json::array();
    for (const auto& [what, why] : cleared.left) left.push_back({{"what", what}, {"why", why}});
    return nlohmann::json{{"id", order.id},
                          {"state", left.empty() ? "cleared" : "left"},
                          {"cleared", cleared.done},
                          {"left", left}};
  };
  if (ended.at("known") == true) {
    ClearedTraces by_record;
    if (ended.at("state") == "live") {
      by_record.left.emplace_back(order.id, ended.at("error").get<std::string>());
    } else {
      by_record.done.push_back("reverted by its undo record");
    }
    return answer(by_record);
  }
  {
    const std::lock_guard lock(impl_->runner.mutex);
    for (const auto& [id, other] : impl_->runner.live) {
      if (other->facts.target != nlohmann::json{{request.target_key, request.target}}) continue;
      return fail(ErrorCode::kConflict, cat("fault ", id, " is in force on the same target"));
    }
  }
  const ClearedTraces cleared = clear_traces(order.kind, request, impl_->runner.host);
  for (const std::string& what : cleared.done) log_info(cat("fault ", order.id, ": ", what));
  if (cleared.left.empty()) impl_->forget_unreadable(order.id);
  return answer(cleared);
}

// Only what is left over twice: what the first look saw of a fault that has come meanwhile belongs
// to a live one in the second.
Cleared FaultBook::clear_leftovers() {
  std::set<std::string> seen;
  for (const Leftover& leftover : fsck()) seen.insert(leftover.what);
  Cleared result;
  for (const Leftover& leftover : fsck()) {
    if (!leftover.ours || !leftover.clear || !seen.contains(leftover.what)) continue;
    if (auto cleared = leftover.clear()) {
      log_info(cat("fsck: cleared ", leftover.what));
      result.cleared.push_back(leftover.what);
    } else {
      result.failed.emplace_back(leftover.what, cleared.error().message);
    }
  }
  result.left = fsck();
  return result;
}

nlohmann::json Cleared::to_json() const {
  nlohmann::json failed_json = nlohmann::json::array();
  for (const auto& [what, error] : failed)
    failed_json.push_back({{"what", what}, {"error", error}});
  nlohmann::json left_json = nlohmann::json::array();
  for (const Leftover& leftover : left) left_json.push_back(agent::to_json(leftover));
  return {{"cleared", cleared},
          {"failed", std::move(failed_json)},
          {"leftovers", std::move(left_json)}};
}

nlohmann::json FaultBook::Reverted::to_json() const {
  nlohmann::json failed_json = nlohmann::json::array();
  for (const auto& [id, error] : failed) failed_json.push_back({{"id", id}, {"error", error}});
  return {{"reverted", reverted}, {"failed", std::move(failed_json)}, {"faults", faults}};
}

nlohmann::json to_json(const Leftover& leftover) {
  return {{"what", leftover.what},
          {"ours", leftover.ours},
          {"why", leftover.why},
          {"clear_hint", leftover.clear_hint},
          {"clearable", leftover.ours && leftover.clear != nullptr}};
}

}  // namespace panshi::agent
