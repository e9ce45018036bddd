// SPDX-License-Identifier: Apache-2.0
// Figures: from a service's exit to the controller's decision (100 kills, durable journal on the
// way), and what agent and controller cost: memory with ten services, CPU when nothing happens.
// First plain, then over TLS.
//
// Exit 0 when every goal is met, 1 when one is missed, 2 when it could not be measured.
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/json/fields.h"
#include "tests/bench/control_plane/site.h"
#include "tests/support/eventually.h"

namespace panshi::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kKills = 100;
constexpr int kServices = 10;

std::unique_ptr<Site> site_of(bool tls) {
  std::string services = "services:\n";
  std::string names;
  for (int i = 0; i < kServices; ++i) {
    services +=
        cat("  - {name: s-", i, ", command: [/bin/sleep, \"100000\"], restart: {policy: always,",
            " backoff: 10ms, backoff_max: 20ms, give_up_after: 1000, within: 1s}}\n");
    names += cat(i == 0 ? "" : ", ", "s-", i);
  }
  auto site = std::make_unique<Site>(
      tls, std::vector<Site::Agent>{{"bench", "127.0.0.1", services, names}});
  site->write(
      "rules/r.yaml",
      "rules:\n  - {name: s-0-down, title: s-0 is down, signal: s-0.up, is: \"<\", value: 1,"
      " clear_for: 0ms, target: {service: s-0}, severity: ticket}\n");
  site->write("runbooks/r.yaml",
              "name: say\ntitle: Say so\ntrigger: {breach: s-0-down}\ncooldown: 0ms\n"
              "runs_max: {count: 100, within: 1s}\n"
              "steps:\n  - {name: say, notify: {channel: log, message: it fell}}\n");
  return site;
}

class Controller {
 public:
  explicit Controller(Site& site) : site_(site) {}
  nlohmann::json get(const std::string& path) { return site_.get(path); }
  pid_t pid_of_s0() {
    const auto agent = get("/api/v1/agents/bench");
    for (const auto& service : agent.value("services", nlohmann::json::array())) {
      if (service.value("name", "") == "s-0" && service.value("state", "") == "ready") {
        return service.value("pid", 0);
      }
    }
    return 0;
  }
  bool quiet() {  // nothing is broken and no run is under way
    if (get("/api/v1/status").value("doubt", true)) return false;
    const auto rules = get("/api/v1/rules");
    const auto runs = get("/api/v1/runs");
    if (!rules.contains("rules") || !runs.contains("runs")) return false;
    for (const auto& rule : rules["rules"]) {
      if (!rule.value("breach", nlohmann::json()).is_null()) return false;
    }
    for (const auto& run : runs["runs"]) {
      if (run.value("outcome", nlohmann::json()).is_null()) return false;
    }
    return true;
  }
  // When the next run was started, after event `after`; 0 when it was refused or none came.
  std::int64_t run_started(std::int64_t after) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < until) {
      const auto page = get(cat("/api/v1/events?wait_ms=1000&after=", after));
      if (!page.contains("events")) return 0;
      for (const auto& event : page["events"]) {
        if (event["kind"] == "run.started") return event["at_us"];
        if (event["kind"] != "run.refused") continue;
        std::fprintf(stderr, "  refused: %s\n", dump_json(event["data"]["why"]).c_str());
        return 0;
      }
      after = page["next"];
    }
    return 0;
  }

 private:
  Site& site_;
};

std::vector<double> kill_often(Controller& controller) {
  const SystemClock clock;
  std::vector<double> took_ms;
  int without = 0;  // a machine so busy that the controller doubts itself decides nothing
  for (int i = 0; took_ms.size() < kKills && without < kKills; ++i) {
    pid_t pid = 0;
    if (!eventually([&] { return controller.quiet() && (pid = controller.pid_of_s0()) > 0; })) {
      std::fprintf(stderr, "try %d: the service did not come back\n", i);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + i % 7 * 13));  // not in step
    const auto seq = controller.get("/api/v1/status").value("journal_seq", std::int64_t{0});
    const auto killed = to_us(clock.wall());
    kill(pid, SIGKILL);
    const auto decided = controller.run_started(seq);
    if (decided == 0) {
      std::fprintf(stderr, "try %d: no run was started\n", i);
      ++without;
      continue;
    }
    took_ms.push_back(static_cast<double>(decided - killed) / 1000);
  }
  std::ranges::sort(took_ms);
  return took_ms;
}

int measure(bool tls) {
  const auto made = site_of(tls);
  Site& site = *made;
  Controller controller(site);
  if (!site.start(PANSHI_BIN_DIR) || !eventually([&] { return controller.pid_of_s0() > 0; })) {
    std::fprintf(stderr, "not up:\n%s\n", site.logs().c_str());
    return 2;
  }
  const auto took = kill_often(controller);
  if (took.size() < kKills) return 2;
  std::printf("%d kills of a service, exit to decision (run.started), %s:\n", kKills,
              tls ? "over TLS" : "plain");
  bool met = show("  p50", took[kKills / 2 - 1], 5, "ms");
  met &= show("  p99", took[kKills * 99 / 100 - 1], 5, "ms");
  std::printf("  max %45s %9.2f ms\n", "", took.back());

  const Program& agent = site.agents().front();
  const double before = agent.cpu_seconds();
  const double controller_before = site.controller().cpu_seconds();
  std::this_thread::sleep_for(10s);
  met &= show("agent, ten services, idle: CPU of one core", (agent.cpu_seconds() - before) * 10, 2,
              "%");
  std::printf("controller, idle: CPU of one core %28.2f %%\n",
              (site.controller().cpu_seconds() - controller_before) * 10);
  met &= show("agent, ten services: resident", agent.resident_mb(), 20, "MB");
  met &= show("controller: resident", site.controller().resident_mb(), 60, "MB");
  return met ? 0 : 1;
}

}  // namespace
}  // namespace panshi::bench

int main() {
  const int plain = panshi::bench::measure(false);
  return std::max(plain, panshi::bench::measure(true));
}
