// SPDX-License-Identifier: Apache-2.0
#include "platform/ledger/ledger.h"

#include <atomic>
#include <condition_variable>
#include <iostream>
#include <mutex>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/signals.h"
#include "platform/ledger/config.h"
#include "platform/ledger/reconcile.h"
#include "platform/ledger/witnesses.h"

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

constexpr Duration kReadAgainAfter = 250ms;
constexpr Duration kDrainStep = 1s;
constexpr Duration kLeaseMargin = 60s;

void say(std::string_view text) { std::cerr << "audit: " << text << std::endl; }

std::int64_t ms_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

// The customers' pause. Ends when this goes out of scope, at a signal, and should the process be
// killed, with its lease.
class Pause {
 public:
  explicit Pause(const AuditConfig& config)
      : url_(cat("http://", config.customers.host, ":", config.customers.port)) {}
  ~Pause() { resume(); }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

  // Waits up to `drain`. "" when nobody is under way any more, else what is in doubt.
  std::string begin(Duration drain, Duration lease) {
    const SystemClock clock;
    const MonoTime give_up = clock.mono() + drain;
    while (true) {
      const auto under_way = pause_for(std::min(drain, kDrainStep), lease);
      if (is_stopped()) return "";  // settle() says so
      if (!under_way) return cat("the customers could not be paused: ", under_way.error().message);
      at_rest_ = *under_way == 0;
      if (at_rest_) return "";
      if (clock.mono() >= give_up) return cat(*under_way, " customers are still under way");
      say(cat("waiting for ", *under_way, " customers to finish"));
    }
  }

  bool at_rest() const { return at_rest_; }  // thread of begin()

  // Any thread, any number of times.
  void resume() {
    HttpCall call;
    call.method = "POST";
    call.url = url_ + "/resume";
    call.body = "{}";
    call.timeout = 1s;
    const auto reply = HttpClient().send(call);
    if (!reply || reply->status != 200) say("the customers could not be resumed");
  }
  void stop() {  // at a signal
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    resume();
  }
  bool is_stopped() const { return stopped_; }
  void wait(Duration span) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, span, [this] { return stopped_.load(); });
  }

 private:
  // How many customers are under way after at most `drain`.
  Result<std::int64_t> pause_for(Duration drain, Duration lease) {
    HttpCall call;
    call.method = "POST";
    call.url = url_ + "/pause";
    call.body = dump_json({{"drain_ms", ms_of(drain)}, {"lease_ms", ms_of(lease)}});
    call.timeout = drain + 5s;
    ASSIGN_OR_RETURN(const HttpReply reply, HttpClient().send(call));
    if (reply.status != 200) return fail(ErrorCode::kRefused, cat("answered ", reply.status));
    ASSIGN_OR_RETURN(const nlohmann::json status, parse_json(reply.body));
    const auto under_way = status.find("in_flight");
    if (under_way == status.end() || !under_way->is_number_integer()) {
      return fail(ErrorCode::kInvalid, "answered without in_flight");
    }
    return under_way->get<std::int64_t>();
  }

  bool at_rest_ = false;
  const std::string url_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stopped_ = false;
};

std::string progress_text(const Evidence& evidence, const LedgerAudit& audit) {
  std::int64_t flaws = 0;
  for (const auto& flawed : audit.flawed) flaws += flawed.count;
  return cat("settling: ", evidence.queue ? evidence.queue->waiting : 0, " messages wait, ", flaws,
             " orders are not as they should be",
             audit.why.empty() ? "" : cat("; ", audit.why.front()));
}

struct Settled {
  LedgerAudit audit;
  Duration took{};
};

// Reads the books until they are in order, or the time is over: what is late is not yet lost.
Settled settle(const AuditConfig& config, Evidence evidence, Pause& pause) {
  const SystemClock clock;
  const Witnesses witnesses(config);
  const MonoTime began = clock.mono();
  const std::vector<std::string> doubts = std::move(evidence.doubts);  // time does not mend these
  MonoTime say_at = began + 1s;
  LedgerAudit audit;
  while (true) {
    const MonoTime read_began = clock.mono();
    evidence.doubts.clear();
    witnesses.read_books(evidence);
    audit = reconcile(evidence);
    bool is_over = clock.mono() - began >= config.settle || pause.is_stopped();
    if (audit.verdict == Verdict::kValid || is_over) {
      witnesses.read_details(evidence);
      audit = reconcile(evidence);
    }
    const MonoTime now = clock.mono();
    is_over = is_over || pause.is_stopped();
    if (audit.verdict == Verdict::kValid || is_over) break;
    if (now >= say_at) {
      say(progress_text(evidence, audit));
      say_at = now + 1s;
    }
    pause.wait(std::max(kReadAgainAfter, now - read_began));
  }
  if (pause.is_stopped()) {
    evidence.doubts.push_back("interrupted by a signal");
  }
  if (audit.verdict != Verdict::kValid) witnesses.read_queue_messages(evidence);
  evidence.doubts.insert(evidence.doubts.begin(), doubts.begin(), doubts.end());
  audit = reconcile(evidence);
  return {std::move(audit), clock.mono() - began};
}

Settled run(const AuditConfig& config, std::int64_t since_us) {
  Pause pause(config);
  const StopSignal on_signal([&pause](int) { pause.stop(); });
  Evidence evidence;
  evidence.since_us = since_us;
  say("pausing the customers");
  const std::string doubt = pause.begin(config.drain, config.drain + config.settle + kLeaseMargin);
  if (!doubt.empty()) evidence.doubts.push_back(doubt);
  evidence.customers_at_rest = pause.at_rest();
  Witnesses(config).hear_customers(evidence);
  say(cat("heard ", evidence.accounts ? evidence.accounts->size() : 0, " customers"));
  return settle(config, std::move(evidence), pause);
}

}  // namespace

int run_audit(const RoleContext& context) {
  auto [config, exit_status] = read_config<AuditConfig>(context, read_audit_config);
  if (!config) return exit_status;
  const auto arguments = audit_arguments(context.arguments);
  if (!arguments) {
    std::cerr << "storefront audit: " << arguments.error().message << '\n';
    return kExitUsage;
  }
  const Settled settled = run(*config, arguments->since_us);
  for (const std::string& why : settled.audit.why) say(why);
  std::cout << dump_json(to_json(settled.audit, ms_of(settled.took))) << std::endl;
  return arguments->exit_zero ? 0 : exit_status_of(settled.audit.verdict);
}

}  // namespace panshi::shop
