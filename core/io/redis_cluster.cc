// SPDX-License-Identifier: Apache-2.0
#include "core/io/redis_cluster.h"

#include <atomic>
#include <charconv>
#include <mutex>
#include <set>
#include <thread>

#include "core/base/clock.h"
#include "core/base/snapshot.h"
#include "core/base/text.h"
#include "core/io/redis_node.h"

namespace panshi {
namespace {

constexpr int kRedirectsMax = 16;
constexpr Duration kPauseMin = std::chrono::milliseconds(5);
constexpr Duration kPauseMax = std::chrono::milliseconds(80);
// Who serves what is asked at most this often, however many calls find it wrong.
constexpr Duration kRefreshEvery = std::chrono::milliseconds(50);
// Replicas come and go without any call going wrong.
constexpr Duration kTopologyAgeMax = std::chrono::seconds(2);

Redis::Options options_for(const std::string& address, const RedisCluster::Options& options) {
  const auto known = options.via.find(address);
  const std::string& place = known == options.via.end() ? address : known->second;
  const auto colon = place.rfind(':');
  Redis::Options to = {.host = place.substr(0, colon),
                       .password = options.password,
                       .connect_timeout = options.connect_timeout,
                       .command_timeout = options.command_timeout};
  if (colon != std::string::npos) {
    std::from_chars(place.data() + colon + 1, place.data() + place.size(), to.port);
  }
  return to;
}

// Error replies that say: not carried out, and it may pass.
bool may_pass(const std::string& error) {
  for (const char* word :
       {"TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "NOREPLICAS", "READONLY"}) {
    if (error.starts_with(word)) return true;
  }
  return false;
}

}  // namespace

struct RedisCluster::Impl {
  using Use = std::function<Result<RedisReply>(Redis&, bool asking)>;
  // One call on its way to an answer.
  struct Call {
    int slot = 0;
    Access access = Access::kWrite;
    MonoTime deadline{};
    std::string ask = {};               // the node that an ASK named, for one try
    std::set<std::string> failed = {};  // did not answer this call
    bool unknown = false;               // perhaps carried out by an earlier try
    int redirects = 0;
    Duration pause = kPauseMin;
  };
  struct Target {
    std::string address;
    bool readonly = false;
    bool asking = false;
  };
  enum class Next { kAtOnce, kAfterPause, kGiveUp };

  explicit Impl(Options o) : options(std::move(o)) {}

  std::shared_ptr<RedisNode> node(const std::string& address, bool readonly);
  Result<RedisReply> call(int slot, Access access, const Use& use);
  Result<Target> route(Call& call);
  Target choose(const Call& call, const RedisTopology::Shard& shard);
  Next judge(Error& error, const Target& target, Call& call);
  Next follow(const RedisRedirect& redirect, const Target& target, Call& call);
  void learn(int slot, const std::string& master);
  Status refresh(bool wait);
  void refresh_if_old();
  Status refresh_locked();

  const Options options;
  Snapshot<RedisTopology> topology{RedisTopology()};
  std::mutex nodes_mutex;
  std::map<std::pair<std::string, bool>, std::shared_ptr<RedisNode>> nodes;
  std::mutex refresh_mutex;  // held by the one that asks; guards the two below
  MonoTime refreshed_at{};
  std::size_t ask_next = 0;  // which node, so that a frozen one is not asked each time
  std::atomic<std::size_t> turn{0};
};

std::shared_ptr<RedisNode> RedisCluster::Impl::node(const std::string& address, bool readonly) {
  const std::lock_guard lock(nodes_mutex);
  auto& known = nodes[{address, readonly}];
  if (!known) {
    known =
        std::make_shared<RedisNode>(options_for(address, options), readonly, options.connections);
  }
  return known;
}

Result<RedisReply> RedisCluster::Impl::call(int slot, Access access, const Use& use) {
  Call call{.slot = slot, .access = access, .deadline = mono_now() + options.patience};
  while (true) {
    const auto target = route(call);
    if (!target) return tl::unexpected(target.error());
    const auto server = node(target->address, target->readonly);
    const bool tried = !server->refuses();
    Result<RedisReply> answer = fail(ErrorCode::kUnavailable,
                                     cat("redis ", target->address, ": not tried, it just failed"));
    if (tried) {
      answer = server->with([&](Redis& redis) -> Result<RedisReply> {
        if (target->asking) {
          if (auto asked = redis.run({"ASKING"}); !asked) return asked;
        }
        return use(redis, target->asking);
      });
    }
    if (answer) return answer;
    Next next = judge(answer.error(), *target, call);
    if (next == Next::kAfterPause && mono_now() + call.pause > call.deadline) next = Next::kGiveUp;
    if (next == Next::kAtOnce) continue;
    if (next == Next::kAfterPause) {
      std::this_thread::sleep_for(call.pause);
      call.pause = std::min(call.pause * 2, kPauseMax);
      continue;
    }
    if (tried && answer.error().code != ErrorCode::kRefused) server->give_up();
    if (call.unknown) answer.error().code = ErrorCode::kTimeout;
    return answer;
  }
}

Result<RedisCluster::Impl::Target> RedisCluster::Impl::route(Call& call) {
  refresh_if_old();
  if (!call.ask.empty()) return Target{std::exchange(call.ask, ""), false, true};
  while (true) {
    const auto known = topology.read();
    if (const auto* shard = known->shard_of(call.slot)) return choose(call, *shard);
    auto learned = refresh(true);
    if (topology.read()->shard_of(call.slot)) continue;
    if (mono_now() + call.pause > call.deadline) {
      if (learned) learned = fail(ErrorCode::kUnavailable, cat("nobody serves slot ", call.slot));
      return tl::unexpected(learned.error());
    }
    std::this_thread::sleep_for(call.pause);
  }
}

RedisCluster::Impl::Target RedisCluster::Impl::choose(const Call& call,
                                                      const RedisTopology::Shard& shard) {
  const bool master_failed = call.failed.contains(shard.master);
  const bool wants_replica =
      call.access == Access::kReplica ||
      (call.access == Access::kAnyone && (master_failed || node(shard.master, false)->refuses()));
  if (wants_replica && !shard.replicas.empty()) {
    const std::size_t first = turn++;
    for (std::size_t i = 0; i < shard.replicas.size(); ++i) {
      const std::string& replica = shard.replicas[(first + i) % shard.replicas.size()];
      if (!call.failed.contains(replica) && !node(replica, true)->refuses()) {
        return {replica, true, false};
      }
    }
  }
  return {shard.master, false, false};
}

// What to do after `error`, which becomes what the caller is told.
RedisCluster::Impl::Next RedisCluster::Impl::judge(Error& error, const Target& target, Call& call) {
  const bool reads_elsewhere = call.access == Access::kReplica || call.access == Access::kAnyone;
  if (error.code == ErrorCode::kRefused) {
    if (const auto redirect = redis_redirect(error.message)) {
      error.code = ErrorCode::kUnavailable;
      return follow(*redirect, target, call);
    }
    if (!may_pass(error.message)) return Next::kGiveUp;
    error.code = ErrorCode::kUnavailable;
  } else if (error.code == ErrorCode::kTimeout) {
    call.unknown = !reads_elsewhere;
    if (call.access == Access::kWrite) return Next::kGiveUp;
  } else if (error.code != ErrorCode::kUnavailable) {
    return Next::kGiveUp;
  }
  const bool first_failure = call.failed.insert(target.address).second;
  (void)refresh(false);
  if (node(target.address, target.readonly)->refuses() && !reads_elsewhere) {
    const auto known = topology.read();  // a call gave up there; unless another took its place …
    const auto* shard = known->shard_of(call.slot);
    if (shard && shard->master == target.address) return Next::kGiveUp;
  }
  return reads_elsewhere && first_failure ? Next::kAtOnce : Next::kAfterPause;
}

RedisCluster::Impl::Next RedisCluster::Impl::follow(const RedisRedirect& redirect,
                                                    const Target& target, Call& call) {
  if (++call.redirects > kRedirectsMax) return Next::kGiveUp;
  std::string address = redirect.address;
  if (address.starts_with(':')) address.insert(0, target.address, 0, target.address.rfind(':'));
  if (redirect.kind == RedisRedirect::Kind::kAsk) {
    call.ask = address;
    return Next::kAtOnce;
  }
  learn(redirect.slot, address);
  // Sent to and fro: two nodes disagree, for as long as the news has not reached both.
  return call.redirects > 2 ? Next::kAfterPause : Next::kAtOnce;
}

void RedisCluster::Impl::learn(int slot, const std::string& master) {
  if (refresh(false)) {
    const auto* shard = topology.read()->shard_of(slot);
    if (shard && shard->master == master) return;
  }
  RedisTopology changed = *topology.read();
  changed.learn(slot, master);
  topology.publish(std::move(changed));
}

// `wait`: for another one that is asking; else leave it to that one.
Status RedisCluster::Impl::refresh(bool wait) {
  std::unique_lock lock(refresh_mutex, std::defer_lock);
  if (wait) {
    lock.lock();
  } else if (!lock.try_lock()) {
    return {};
  }
  if (!topology.read()->empty() && mono_now() < refreshed_at + kRefreshEvery) return {};
  return refresh_locked();
}

void RedisCluster::Impl::refresh_if_old() {
  const std::unique_lock lock(refresh_mutex, std::try_to_lock);
  if (!lock || !topology.read()->is_cluster()) return;
  if (mono_now() > refreshed_at + kTopologyAgeMax) (void)refresh_locked();
}

Status RedisCluster::Impl::refresh_locked() {
  std::vector<std::string> all = topology.read()->nodes();
  for (const std::string& seed : options.seeds) {
    if (std::find(all.begin(), all.end(), seed) == all.end()) all.push_back(seed);
  }
  Error last{ErrorCode::kUnavailable, "redis: no seeds"};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string& address = all[ask_next++ % all.size()];
    const auto server = node(address, false);
    if (server->refuses() && i + 1 < all.size()) continue;
    const auto slots = server->with([](Redis& redis) { return redis.run({"CLUSTER", "SLOTS"}); });
    refreshed_at = mono_now();
    if (slots) {
      RedisTopology fresh = RedisTopology::of_slots(*slots, address);
      if (fresh.empty()) continue;  // knows of no slots (yet, or any more)
      topology.publish(std::move(fresh));
      return {};
    }
    if (slots.error().message.find("cluster support disabled") != std::string::npos) {
      topology.publish(RedisTopology::plain(address));
      return {};
    }
    last = slots.error();
  }
  return fail(ErrorCode::kUnavailable, last.message);
}

RedisCluster::RedisCluster(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
RedisCluster::~RedisCluster() = default;

Result<RedisReply> RedisCluster::run(const std::string& key,
                                     const std::vector<std::string>& command, Access access) {
  return impl_->call(redis_slot(key), access,
                     [&](Redis& redis, bool) { return redis.run(command); });
}

Result<RedisReply> RedisCluster::eval(const std::string& script,
                                      const std::vector<std::string>& keys,
                                      const std::vector<std::string>& arguments, Access access) {
  const int slot = redis_slot(keys.at(0));
  for (const std::string& key : keys) {
    if (redis_slot(key) != slot) {
      return fail(ErrorCode::kInvalid, cat("redis: ", key, " is not in the slot of ", keys[0]));
    }
  }
  return impl_->call(slot, access, [&](Redis& redis, bool asking) -> Result<RedisReply> {
    if (!asking) return redis.eval(script, keys, arguments);
    // ASKING holds for the next command only: no way to find out whether the script is known.
    std::vector<std::string> command = {"EVAL", script, std::to_string(keys.size())};
    command.insert(command.end(), keys.begin(), keys.end());
    command.insert(command.end(), arguments.begin(), arguments.end());
    return redis.run(command);
  });
}

Status RedisCluster::refresh() { return impl_->refresh(true); }
RedisPoolStats RedisCluster::pool_stats() const {
  RedisPoolStats sum;
  const std::lock_guard lock(impl_->nodes_mutex);
  for (const auto& [where, node] : impl_->nodes) node->add_to(sum);
  return sum;
}

std::shared_ptr<const RedisTopology> RedisCluster::topology() const {
  return impl_->topology.read();
}

}  // namespace panshi
