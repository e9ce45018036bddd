// SPDX-License-Identifier: Apache-2.0
#include "cli/follow.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/show.h"
#include "controller/events/event_data.h"
#include "controller/events/named_signals.h"
#include "controller/report/event_text.h"
#include "core/base/text.h"
#include "core/model/event.h"

namespace panshi::cli {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr auto kAway = 60s;         // how long a controller may be gone
constexpr auto kAbortWithin = 30s;  // reverting and ending after an abort
constexpr auto kReportWithin = 5s;  // after the end
constexpr auto kPlainEvery = 2s;    // customers, where lines cannot be rewritten

std::string one_decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

class Follower {
 public:
  Follower(Connection& controller, Terminal& terminal, const std::string& drill,
           const std::atomic<bool>& stop)
      : controller_(controller), terminal_(terminal), drill_(drill), stop_(stop) {}

  Result<Followed> run() {
    while (!done_ || (!reported_ && Clock::now() < report_deadline_)) {
      if (stop_ && !abort_deadline_) abort_deadline_ = Clock::now() + kAbortWithin;
      if (abort_deadline_ && Clock::now() > *abort_deadline_) break;
      const Result<Json> answer =
          controller_.get(cat("/api/v1/events?after=", next_,
                              "&limit=500&wait_ms=1000&drill=", percent_encoded(drill_)));
      if (!answer) {
        if (Status waited = wait_for_controller(answer.error()); !waited) {
          return tl::unexpected<Error>(waited.error());
        }
        continue;
      }
      away_since_.reset();
      take(*answer);
      if (!done_) show_customers();
    }
    ASSIGN_OR_RETURN(Json drill, controller_.get("/api/v1/drills/" + percent_encoded(drill_)));
    return Followed{std::move(drill), files_};
  }

 private:
  void take(const Json& answer) {
    for (const Json& item : list_of(answer, "events")) {
      const Result<Event> event = event_from_json(item);
      if (event) see(*event);
    }
    if (answer.is_object() && answer.contains("next") && answer["next"].is_number_integer()) {
      next_ = answer["next"].get<std::int64_t>();
    }
  }

  void see(const Event& event) {
    if (!start_) start_ = event.at;
    if (event.kind == "drill.started") {
      signals_ = controller::signals_named(controller::value_of(event.data, "scenario"));
    }
    if (const auto text = controller::event_text(event)) print(event, *text);
    if (event.kind == "drill.done") {
      done_ = true;
      report_deadline_ = Clock::now() + kReportWithin;
    }
    if (event.kind == "report.written") {
      reported_ = true;
      files_ = controller::texts_of(event.data, "files");
    }
  }

  void print(const Event& event, const controller::EventText& line) {
    const double second = static_cast<double>((event.at - *start_).count()) / 1e6;
    char at[32];
    std::snprintf(at, sizeof at, "%9.3f s", second);
    const char* tone = line.what == "broken"    ? "bad"
                       : line.what == "done"    ? "good"
                       : line.what == "refused" ? "unsure"
                       : line.what == "drill"   ? "soft"
                                                : "strong";
    std::string what = line.what;
    what.resize(7, ' ');
    terminal_.line(cat(terminal_.tone("soft", at), "  ", terminal_.tone(tone, what), "  ",
                       one_line(line.text)));
  }

  void show_customers() {
    const auto now = Clock::now();
    if (now < next_customers_) return;
    next_customers_ = now + (terminal_.is_live() ? 1s : kPlainEvery);
    const Result<Json> signals = controller_.get("/api/v1/signals");
    if (!signals) return;  // the next long poll tells what is wrong
    const std::string customers = customers_text(*signals);
    const std::string named = signals_text(*signals, signals_);
    std::string text;
    if (!customers.empty()) text = "customers  " + customers;
    if (!named.empty()) text += cat(text.empty() ? "signals    " : "; ", named);
    if (text.empty()) return;
    text.insert(0, 13, ' ');
    if (terminal_.is_live()) {
      terminal_.status(text);
    } else {
      terminal_.line(text);
    }
  }

  Status wait_for_controller(const Error& error) {
    const bool away = error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout;
    if (!away || stop_) return tl::unexpected<Error>(error);
    const auto now = Clock::now();
    if (!away_since_) {
      away_since_ = now;
      terminal_.line("the controller does not answer; faults end with their lease; waiting for it");
    }
    if (now - *away_since_ > kAway) return tl::unexpected<Error>(error);
    std::this_thread::sleep_for(200ms);
    return {};
  }

  Connection& controller_;
  Terminal& terminal_;
  const std::string drill_;
  const std::atomic<bool>& stop_;
  std::int64_t next_ = 0;
  std::optional<WallTime> start_;
  bool done_ = false;
  bool reported_ = false;
  Clock::time_point report_deadline_{};
  std::optional<Clock::time_point> abort_deadline_;
  Clock::time_point next_customers_{};
  std::optional<Clock::time_point> away_since_;
  std::vector<std::string> files_;
  std::vector<std::string> signals_;  // that the scenario names
};

}  // namespace

std::string customers_text(const Json& signals) {
  std::vector<std::string> parts(3);
  for (const Json& one : list_of(signals, "signals")) {
    if (!one.is_object() || !one.contains("value") || !one["value"].is_number()) continue;
    const double value = one["value"].get<double>();
    const std::string name = field(one, "signal");
    if (name == "orders_per_second") parts[0] = one_decimal(value) + " orders/s";
    if (name == "checkout_success_ratio") parts[1] = "success " + one_decimal(value * 100) + " %";
    if (name == "checkout_p95_ms") parts[2] = "p95 " + one_decimal(value) + " ms";
  }
  std::erase(parts, "");
  return join(parts, ", ");
}

std::string signals_text(const Json& signals, const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  static const std::vector<std::string> kCustomers = {"orders_per_second", "checkout_success_ratio",
                                                      "checkout_p95_ms"};
  std::vector<std::string> parts;
  for (const std::string& name : names) {
    if (std::find(kCustomers.begin(), kCustomers.end(), name) != kCustomers.end()) continue;
    std::string values;
    for (const Json& one : list_of(signals, "signals")) {
      if (field(one, "signal") != name) continue;
      const bool fresh =
          one.contains("age_ms") && one["age_ms"].is_number() && one["age_ms"] < 5'000;
      values += cat(values.empty() ? "" : "|", fresh ? field(one, "value") : "no data");
    }
    if (parts.size() < kShown) parts.push_back(cat(name, " ", values.empty() ? "no data" : values));
  }
  return one_line(join(parts, ", "));
}

Result<Followed> follow_drill(Connection& controller, Terminal& terminal, const std::string& drill,
                              const std::atomic<bool>& stop) {
  return Follower(controller, terminal, drill, stop).run();
}

}  // namespace panshi::cli
