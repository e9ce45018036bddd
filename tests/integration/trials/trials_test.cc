// SPDX-License-Identifier: Apache-2.0
// Promise 1 by trial: whatever kind of fault is in force, whoever of controller, agent and guardian
// is killed or frozen at whatever instant, and however late somebody starts it again, the machine
// and its servers are afterwards as they were, without anybody letting go on what was frozen, and
// the journal says of the fault what its agent says.
//
// PANSHI_TRIALS: how many, 60 when not set; PANSHI_HOSTILE_TRIALS: those beside a hostile user, 15;
// PANSHI_SEED: which ones, from the clock when not set; PANSHI_TRIAL: only the one of this number.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "agents/host_state/host_state.h"
#include "core/base/random.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "tests/integration/agents/matrix/matrix_servers.h"
#include "tests/integration/trials/trial_kinds.h"
#include "tests/integration/trials/trial_tree.h"
#include "tests/support/namespace.h"
#include "tests/support/skip.h"

namespace panshi::trials {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using agent::eventually;
using nlohmann::json;

constexpr int kTrials = 60;
constexpr int kHostileTrials = 15;
constexpr int kTrialMax = 1'000'000;
constexpr int kMachineWorkers = 5;
constexpr auto kFrozenFor = 2'500ms;  // longer than a lease, which is 1 s
constexpr auto kLateBy = 2'500ms;     // until somebody starts again who was killed

constexpr const char* kMachineBody =
    R"(limits: {faults_max: 16, disk_reserve: 1MiB, directories: [data]}
services:
  - {name: shop, command: ["{folder}/nap", "1000"]}
links:
  - {name: database, listen: "{address}:27901", upstreams: [{name: a, address: "{address}:27902"}]}
  - name: web
    protocol: http
    listen: "{address}:27903"
    upstreams: [{name: a, address: "{address}:27904"}]
)";

enum class Way { kKill, kFreeze, kLate };

struct Trial {
  int number = 0;
  std::string seed_text;
  TrialKind kind;
  std::vector<std::string> victims;
  Way way = Way::kKill;
  std::chrono::milliseconds instant{};

  std::string text() const {
    const char* ways[] = {"killed", "frozen", "killed, started again late"};
    return cat("trial ", number, " (", seed_text, "): ", kind.name, ", ", join(victims, "+"), " ",
               ways[static_cast<int>(way)], " after ", instant.count(), " ms");
  }
};

using Problems = std::vector<std::string>;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  const auto number =
      text ? parse_integer(text) : Result<std::int64_t>(fail(ErrorCode::kInvalid, ""));
  return number ? static_cast<std::uint64_t>(*number) : otherwise;
}

std::uint64_t seed_of_this_run() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return number_from("PANSHI_SEED", static_cast<std::uint64_t>(now.count() / 1'000'000));
}

Trial draw(Random& random, int number, const std::vector<TrialKind>& kinds) {
  static const std::vector<std::vector<std::string>> kVictims = {
      {"agent"},
      {"guardian"},
      {"agent", "guardian"},
      {"controller"},
      {"agent", "controller"},
      {"controller", "agent", "guardian"}};
  Trial trial;
  trial.number = number;
  trial.kind = kinds[random.below(kinds.size())];
  trial.victims = kVictims[random.below(kVictims.size())];
  trial.way = static_cast<Way>(random.below(3));
  trial.instant = std::chrono::milliseconds(random.below(1'200));
  return trial;
}

// Where a trial takes place, beside the tree itself.
struct Place {
  std::string body;
  std::string services;
  std::function<std::vector<TrialKind>(const std::string& folder)> kinds;
  std::function<json()> around = [] { return json(); };
  bool hostile = false;  // TrialTree::Options
};

class Run {
 public:
  Run(const Place& place, Trial trial, TrialTree& tree)
      : place_(place), trial_(std::move(trial)), tree_(tree) {}

  Problems go() {
    tree_.start();
    if (!tree_.agent().becomes("shop", "ready")) return {"the service does not run"};
    before_ = looked_at();
    if (!apply()) return problems_;
    std::this_thread::sleep_for(trial_.instant);
    strike();
    check();
    return problems_;
  }

  bool was_in_force() const { return in_force_; }
  // What the agent's book has of the fault, and the journal.
  std::string history() {
    std::string text = cat(in_agents_book().dump(), "\n");
    for (const json& event : tree_.events()) text += event.dump() + "\n";
    return text;
  }

 private:
  json looked_at() {
    json all = tree_.agent().host_state();
    all["around"] = place_.around();
    return all;
  }

  // Refused while the controller doubts its evidence: then again.
  bool apply() {
    const json order = {{"kind", trial_.kind.name},
                        {"target", trial_.kind.target},
                        {"params", trial_.kind.params},
                        {"for", "3s"}};
    const bool accepted = eventually([&] {
      fault_ = tree_.ask("POST", "/api/v1/faults", order).value("fault", "");
      return !fault_.empty();
    });
    if (!accepted) problems_ = {"refused: " + tree_.refusal()};
    return accepted;
  }

  void strike() {
    const int signal = trial_.way == Way::kFreeze ? SIGSTOP : SIGKILL;
    std::vector<pid_t> pids;
    for (const std::string& who : trial_.victims) {
      for (const pid_t pid : tree_.processes_of(who)) pids.push_back(pid);
    }
    // The guardian first, so that it does nothing when the agent goes.
    std::reverse(pids.begin(), pids.end());
    for (const pid_t pid : pids) ::kill(pid, signal);
    if (trial_.way != Way::kFreeze) return;
    std::this_thread::sleep_for(kFrozenFor);
    // Nobody lets the agent go on. A controller is nobody's ward but its operator's.
    const auto& victims = trial_.victims;
    if (std::find(victims.begin(), victims.end(), "controller") == victims.end()) return;
    for (const pid_t pid : tree_.processes_of("controller")) ::kill(pid, SIGCONT);
  }

  // Once none of them is left, and the fault is over: an order may still be on its way when
  // nothing is to be seen of it.
  void check() {
    eventually([&] { return (problems_ = wrong_now()).empty(); });
  }

  Problems wrong_now() {
    Problems found = journal_problems();
    if (!found.empty()) return found;
    found = agent::host_state_differences(before_, looked_at());
    if (!found.empty()) return {"not as before: " + join(found, "; ")};
    const auto fsck = tree_.agent().run({"fsck", "--config", "{config}"});
    const json looked = parse_json(fsck.output, 1 << 20).value_or(json::object());
    for (const json& left : looked.value("leftovers", json::array())) {
      if (left.value("ours", true)) found.push_back("fsck: " + left.value("what", ""));
    }
    return found;
  }

  // The fault in the agent's own book; null when it never had it.
  json in_agents_book() {
    const auto text = read_file(tree_.agent().folder() / "state/faults/ended.jsonl").value_or("");
    for (const std::string& line : split(text, '\n')) {
      const json ended = parse_json(line).value_or(json());
      if (ended.is_object() && ended.at("fault").at("id") == fault_) return ended;
    }
    return {};
  }

  Problems journal_problems() {
    Problems found;
    const std::vector<json> events = tree_.events();
    if (events.empty()) return {"the controller does not answer"};
    std::set<std::string> open;
    json live;
    std::vector<json> ends;
    for (const json& event : events) {
      const std::string kind = event.at("kind");
      const json& data = event.at("data");
      if (kind == "effect.intended") open.insert(data.value("effect", ""));
      if (kind == "effect.done") open.erase(data.value("effect", ""));
      if (data.value("fault", "") != fault_) continue;
      if (kind == "fault.live" && live.is_null()) live = event;
      if (kind == "fault.reverted" || kind == "fault.failed") ends.push_back(event);
      if (kind == "fault.lost") found.push_back("the journal has it as lost");
    }
    if (!open.empty()) found.push_back(cat("no outcome of ", *open.begin()));
    if (fs::exists(tree_.agent().folder() / cat("state/faults/", fault_, ".json"))) {
      found.push_back("the agent has it in force");
    }
    if (!live.is_null() && ends.empty()) found.push_back("live, and never ended");
    const json book = in_agents_book();
    if (book.is_null() || book.at("fault").value("kind", "").empty()) return found;
    in_force_ = book.at("live_us").is_number();
    if (in_force_ && live.is_null()) found.push_back("in force, and not in the journal as live");
    if (ends.size() != 1) return found.push_back(cat(ends.size(), " ends")), found;
    compare(book, ends.front(), found);
    return found;
  }

  // What the journal says of the end against what the agent says, on one machine's clock.
  static void compare(const json& book, const json& end, Problems& found) {
    if (book.at("state") != "reverted") return;
    const std::string reason = end.at("data").value("reason", "");
    if (reason != book.value("reason", "")) {
      found.push_back(
          cat("ended by `", book.value("reason", ""), "`, the journal says `", reason, "`"));
    }
    const std::int64_t apart_us =
        std::abs(end.at("at_us").get<std::int64_t>() - book.at("ended_us").get<std::int64_t>());
    if (apart_us > 500'000) {
      found.push_back(cat("ended ", apart_us / 1'000, " ms apart from what the journal says"));
    }
  }

  const Place& place_;
  const Trial trial_;
  TrialTree& tree_;
  json before_;
  std::string fault_;
  bool in_force_ = false;
  Problems problems_;
};

// What all workers share.
struct Tally {
  std::mutex mutex;
  std::vector<std::string> failed;
  std::atomic<bool> without_network = false;
  std::map<std::string, std::string> not_here;  // kinds, and why
  int done = 0;
  int in_force = 0;
  HostileUser::Did hostile;
};

void one_trial(const Place& place, std::uint64_t seed, int number, Tally& tally) {
  Random random(seed * 1'000'003 + static_cast<std::uint64_t>(number));
  // The folder is not known before the tree is there; what is drawn does not depend on it.
  Trial trial = draw(random, number, place.kinds("{folder}"));
  trial.seed_text = cat("seed ", seed);
  Problems problems;
  bool in_force = false;
  std::string logs;
  try {
    TrialTree tree({.agent_body = cat("cgroups: ", number % 2 == 0, "\n", place.body),
                    .services = place.services,
                    .restart_after = trial.way == Way::kLate ? kLateBy : 50ms,
                    .hostile = place.hostile});
    const std::string folder = tree.agent().folder().string();
    for (const TrialKind& kind : place.kinds(folder)) {
      if (kind.name == trial.kind.name && kind.target.size() == trial.kind.target.size()) {
        trial.kind = kind;
      }
    }
    Run run(place, trial, tree);
    problems = run.go();
    in_force = run.was_in_force();
    {
      const std::lock_guard lock(tally.mutex);
      for (std::string& each : tree.gained(tally.hostile)) problems.push_back(std::move(each));
    }
    if (!problems.empty()) logs = run.history() + tree.logs();
  } catch (const std::exception& wrong) {
    problems.push_back(wrong.what());
  }
  const std::lock_guard lock(tally.mutex);
  ++tally.done;
  tally.in_force += in_force ? 1 : 0;
  if (problems.empty()) return;
  tally.failed.push_back(cat(trial.text(), ": ", join(problems, "; ")));
  std::cout << tally.failed.back() << '\n' << logs << std::endl;
}

// Kinds that this machine cannot do, and why.
std::map<std::string, std::string> impossible(const Place& place) {
  agent::TestAgent agent(place.body);
  fs::create_directories(agent.folder() / "data");
  fs::copy_file("/bin/sleep", agent.folder() / "nap");
  agent.start();
  std::map<std::string, std::string> why;
  const json known = agent.call("GET", "/v1/faults/kinds").json;
  for (const TrialKind& wanted : place.kinds("{folder}")) {
    for (const json& kind : known.at("kinds")) {
      if (kind.at("name") == wanted.name && kind.at("possible") == false) {
        why[wanted.name] = kind.at("why_not");
      }
    }
  }
  return why;
}

// Takes numbers until there is none left. Not in a network namespace of its own (`isolated`) it
// does nothing to networks: that would be done to this machine's.
void work(Place place, bool isolated, std::uint64_t seed, std::atomic<int>& next, int end,
          Tally& tally) {
  if (!isolated) tally.without_network = true;
  const auto not_here = impossible(place);
  {
    const std::lock_guard lock(tally.mutex);
    tally.not_here.insert(not_here.begin(), not_here.end());
  }
  const auto all = place.kinds;
  place.kinds = [all, not_here, isolated](const std::string& folder) {
    std::vector<TrialKind> kinds = all(folder);
    std::erase_if(kinds, [&](const TrialKind& kind) {
      const bool of_network = kind.name.starts_with("network.") || kind.name.starts_with("dns.");
      return (of_network && !isolated) || not_here.contains(kind.name);
    });
    return kinds;
  };
  const auto only = static_cast<int>(number_from("PANSHI_TRIAL", kTrialMax));
  for (int number = next++; number < end; number = next++) {
    if (only == kTrialMax || only == number) one_trial(place, seed, number, tally);
  }
}

std::string server_body(const MatrixServers& servers) {
  std::string body = "limits: {faults_max: 16, directories: [data]}\nservices:\n";
  for (const char* service : {"shop", "replica", "cache"}) {
    body += cat("  - {name: ", service, ", command: [\"{folder}/nap\", \"1000\"], ",
                servers.extras(service), "}\n");
  }
  return body +
         "links:\n"
         "  - {name: database, listen: \"{address}:27901\", upstreams: [{name: a, "
         "address: \"{address}:27902\"}]}\n"
         "  - {name: web, listen: \"{address}:27903\", upstreams: [{name: a, address: "
         "\"{address}:27904\"}]}\n";
}

TEST_CASE("whoever is killed or frozen at whatever instant, no fault outlives it") {
  const auto count = static_cast<int>(number_from("PANSHI_TRIALS", kTrials));
  const std::uint64_t seed = seed_of_this_run();
  std::cout << count << " trials, PANSHI_SEED=" << seed << std::endl;
  const int at_servers = count / 4;
  std::atomic<int> next_machine = at_servers;
  std::atomic<int> next_server = 0;
  Tally tally;
  std::vector<std::future<void>> workers;
  for (int i = 0; i < kMachineWorkers; ++i) {
    workers.push_back(std::async(std::launch::async, [&] {
      const bool isolated = enter_own_network();
      work({.body = kMachineBody, .services = "shop", .kinds = &machine_kinds}, isolated, seed,
           next_machine, count, tally);
    }));
  }
  workers.push_back(std::async(std::launch::async, [&] {
    const bool isolated = enter_own_network();  // first: the servers are to be in it
    const MatrixServers servers;
    work({.body = server_body(servers),
          .services = "shop, replica, cache",
          .kinds = [](const std::string&) { return server_kinds(); },
          .around = [&] { return servers.state(); }},
         isolated, seed, next_server, at_servers, tally);
  }));
  for (auto& worker : workers) worker.get();
  std::cout << tally.done << " trials, " << tally.in_force << " with the fault in force, "
            << tally.failed.size() << " failed" << std::endl;
  for (const auto& [kind, why] : tally.not_here) skip_part(cat(kind, ": ", why));
  if (tally.without_network) skip_part("no network namespace can be made here");
  if (std::getenv("PANSHI_TRIAL") == nullptr) {
    CHECK(tally.done == count);
    CHECK(tally.in_force > count / 2);  // else the trials try nothing
  }
  CHECK(tally.failed == std::vector<std::string>());
}

TEST_CASE("a user without rights keeps no fault in force, whoever is killed or frozen meanwhile") {
  if (::geteuid() != 0) skip_case("only root can be somebody else");
  const auto count = static_cast<int>(number_from("PANSHI_HOSTILE_TRIALS", kHostileTrials));
  const std::uint64_t seed = seed_of_this_run();
  std::cout << count << " trials, PANSHI_SEED=" << seed << std::endl;
  std::atomic<int> next = 0;
  Tally tally;
  std::vector<std::future<void>> workers;
  for (int i = 0; i < kMachineWorkers; ++i) {
    workers.push_back(std::async(std::launch::async, [&] {
      const bool isolated = enter_own_network();
      work({.body = kMachineBody, .services = "shop", .kinds = &machine_kinds, .hostile = true},
           isolated, seed, next, count, tally);
    }));
  }
  for (auto& worker : workers) worker.get();
  const HostileUser::Did& did = tally.hostile;
  std::cout << tally.done << " trials, " << tally.in_force << " with the fault in force, "
            << tally.failed.size() << " failed; the user took ports " << did.ports_taken
            << " times, " << did.callers << " callers came, it locked " << did.locked
            << " files and put " << did.links << " links" << std::endl;
  for (const auto& [kind, why] : tally.not_here) skip_part(cat(kind, ": ", why));
  if (tally.without_network) skip_part("no network namespace can be made here");
  if (std::getenv("PANSHI_TRIAL") == nullptr) {
    CHECK(tally.in_force > count / 2);
    CHECK(did.ports_taken > 0);
    CHECK(did.callers > 0);
    CHECK(did.links > 0);
    CHECK(did.locked > 0);
  }
  CHECK(tally.failed == std::vector<std::string>());
}

}  // namespace
}  // namespace panshi::trials
