// SPDX-License-Identifier: Apache-2.0
// FakeMachine: a node `here` of two cores and 1 GiB of memory, with a disk of 200 MB, half full,
// whose only folder is a real one. Its helpers do exactly what they are asked to. Any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "agents/host/machine.h"
#include "agents/host/process_choice.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/agents/faults/hook.h"

namespace panshi::agent {

class FakeMachine final : public Machine {
 public:
  explicit FakeMachine(const Hook& on_touch) : on_touch_(on_touch) {
    scope_ = {.node = "here",
              .state = folder_ / "state",
              .directories = {folder_ / "data", folder_ / "files"},
              .memory_reserve = 100 << 20,
              .disk_reserve = 10 << 10};
    std::filesystem::create_directories(scope_.state);
    std::filesystem::create_directories(folder());
    std::filesystem::create_directories(folder_ / "files");
    (void)write_file_durably(file(), kContent, 0640);
  }

  bool healthy() const {
    const std::lock_guard lock(mutex_);
    return helpers_.empty() && limits_.empty() && std::filesystem::is_empty(folder_ / "data") &&
           read_file(file()) == std::string(kContent) && mode_of(file()) == 0640;
  }
  void forget(pid_t pid) {  // it is gone
    const std::lock_guard lock(mutex_);
    limits_.erase(pid);
  }
  void renew_processes(std::uint64_t incarnation) {  // earlier ones are gone
    const std::lock_guard lock(mutex_);
    incarnation_ = incarnation;
    limits_.clear();
  }
  std::filesystem::path folder() const { return folder_ / "data"; }
  std::filesystem::path file() const { return folder_ / "files" / "orders.db"; }

  const FaultScope& scope() override { return scope_; }
  std::int64_t cores() override { return 2; }
  Room memory() override { return {.total = 1 << 30, .available = available}; }
  std::int64_t available = 512 << 20;
  std::int64_t processes_left() override { return processes_room; }
  std::int64_t processes_room = 30'000;
  bool disk_in_memory = false;
  Result<Room> disk(const std::filesystem::path& folder) override {
    Room room{.total = 200'000'000, .available = 100'000'000, .in_memory = disk_in_memory};
    if (folder != this->folder()) return fail(ErrorCode::kNotFound, folder.string());
    const std::lock_guard lock(mutex_);
    for (const auto& [fault, bytes] : filled_) room.available -= bytes;
    return room;
  }

  // Processes of the host, by a name, a control group or a unit's group.
  std::function<std::vector<ProcessName>()> list_processes;
  std::function<Status()> start_unit_as;
  std::function<Status()> restart_unit_as;
  Result<std::vector<ProcessName>> processes(const ProcessChoice& choice) override {
    if (choice.process == "orders" || choice.cgroup == "/shop/orders") return list_processes();
    return std::vector<ProcessName>();
  }
  Result<std::string> cgroup_of_unit(const std::string& unit) override {
    if (unit == "orders.service") return std::string("/shop/orders");
    return fail(ErrorCode::kRefused, "unit " + unit + " is not known or does not run");
  }
  UnitState unit_now{.active = "active", .invocation = "run 1"};
  Result<UnitState> unit_state(const std::string&) override { return unit_now; }
  Status start_unit(const std::string&) override { return start_unit_as(); }
  Status restart_unit(const std::string&) override { return restart_unit_as(); }
  Result<std::shared_ptr<Helper>> start_helper(const std::string& fault,
                                               const std::vector<std::string>& words) override {
    if (auto touched = on_touch_("start_helper"); !touched) {
      return tl::unexpected<Error>(touched.error());
    }
    const std::lock_guard lock(mutex_);
    helpers_.insert(fault);
    if (words.at(0) == "fill") filled_[fault] = parse_integer(words.at(2)).value();
    return std::make_shared<Obedient>(words);
  }
  Status end_helpers(const std::string& fault) override {
    if (auto touched = on_touch_("end_helpers"); !touched) return touched;
    const std::lock_guard lock(mutex_);
    helpers_.erase(fault);
    filled_.erase(fault);
    return {};
  }
  void mark(const std::string& fault) {  // something was started for it
    const std::lock_guard lock(mutex_);
    helpers_.insert(fault);
  }
  std::vector<std::string> helpers() override {
    const std::lock_guard lock(mutex_);
    return {helpers_.begin(), helpers_.end()};
  }

  Result<DescriptorLimit> descriptor_limit(const ProcessName& process) override {
    const std::lock_guard lock(mutex_);
    const auto found = limits_.find(process.pid);
    return found == limits_.end() ? kUsual : found->second;
  }
  Status set_descriptor_limit(const ProcessName& process, std::uint64_t soft,
                              std::uint64_t hard) override {
    if (auto touched = on_touch_("set_descriptor_limit"); !touched) return touched;
    const std::lock_guard lock(mutex_);
    if (process.start_ticks != incarnation_) return fail(ErrorCode::kNotFound, "gone");
    const DescriptorLimit limit{.soft = soft, .hard = hard, .open = kUsual.open};
    if (limit == kUsual) {
      limits_.erase(process.pid);
    } else {
      limits_[process.pid] = limit;
    }
    return {};
  }

  std::string fake_clock_library() override { return "/lib/faketime.so"; }
  std::vector<std::filesystem::path> fake_clock_files() override { return {}; }
  bool has_loaded(const ProcessName&, const std::string&) override { return true; }
  // As the library does that is asked for "+3600 x2".
  Result<ClockReading> read_clock(const std::map<std::string, std::string>& env) override {
    const auto words = split(env.at("FAKETIME"), ' ');
    return ClockReading{.offset_seconds = std::stod(words.at(0)),
                        .rate_percent = 100 * std::stod(words.at(1).substr(1))};
  }
  std::string tracer() override { return "/bin/strace"; }
  pid_t tracer_of(const ProcessName&) override {
    const std::lock_guard lock(mutex_);
    return helpers_.empty() ? 0 : 77;
  }

 private:
  static constexpr const char* kContent = "what a service has written";
  static unsigned mode_of(const std::filesystem::path& file) {
    return static_cast<unsigned>(std::filesystem::status(file).permissions());
  }

  const DescriptorLimit kUsual = {.soft = 1024, .hard = 4096, .open = {0, 1, 2, 3, 700}};

  class Obedient final : public Helper {
   public:
    explicit Obedient(std::vector<std::string> words) : words_(std::move(words)) {}
    HelperUse use() const override {
      const auto number = [&](std::size_t at) { return parse_number(words_.at(at)).value(); };
      HelperUse use{.age_seconds = 10};
      const std::string& what = words_.at(0);
      if (what == "cpu") use.cpu_seconds = 10 * number(1) * number(2) / 100;
      if (what == "memory") use.resident_bytes = static_cast<std::int64_t>(number(1));
      if (what == "disk") use.written_bytes = static_cast<std::int64_t>(10 * number(2));
      if (what == "children") use.children = static_cast<std::int64_t>(number(1));
      return use;
    }

   private:
    std::vector<std::string> words_;
  };

  const Hook& on_touch_;
  TemporaryFolder folder_;
  FaultScope scope_;
  mutable std::mutex mutex_;
  std::set<std::string> helpers_;
  std::map<std::string, std::int64_t> filled_;  // the disk, by fault
  std::uint64_t incarnation_ = 1;               // ProcessName::start_ticks of those that run
  std::map<pid_t, DescriptorLimit> limits_;     // those that are not as usual
};

}  // namespace panshi::agent
