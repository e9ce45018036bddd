// SPDX-License-Identifier: Apache-2.0
// ServiceFiles: what the agent keeps on disk of each service, so that the next run of the agent,
// its guardian and `revert-all` know which process a service is.
//
//     <state>/services/<name>.json      the process that runs, durable before it counts as running
//     <state>/services/<name>.nonce     of its last start, durable before that
//     <state>/services/<name>.prepared  the prepare commands that have all succeeded
//     <state>/services/<name>.stopped   somebody had it stopped on purpose, in this boot
//     <state>/services/<name>.unit      what systemd said of it, if it is a unit
//     <state>/logs/<name>.log           what it wrote
//
// Any thread, but one writer of a service at a time.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/io/process.h"

namespace panshi::agent {

struct ServiceRecord {
  ProcessName process;
  bool preparing = false;   // the process is a prepare command
  bool ready = false;       // it has been ready
  std::string launch = {};  // which start it is of, as launch_of() said when it was written
};

class ServiceFiles {
 public:
  explicit ServiceFiles(std::filesystem::path state) : state_(std::move(state)) {}

  Status make_folders() const;
  Status write(const std::string& service, const ServiceRecord& record) const;
  // kNotFound: never started, or the record is of another boot of the machine.
  Result<ServiceRecord> read(const std::string& service) const;
  // By these very commands, run from these very program files (size and time of change): a program
  // that was replaced, or another command, prepares once more.
  using Commands = std::vector<std::vector<std::string>>;
  bool is_prepared(const std::string& service, const Commands& by) const;
  Status mark_prepared(const std::string& service, const Commands& by) const;

  Status keep_stopped(const std::string& service, bool on) const;
  bool is_kept_stopped(const std::string& service) const;  // since the machine was booted

  // Before each start: a nonce for the environment of what is started, which stands nowhere else.
  // Who has it was started by an agent with this state directory, whatever else it says of itself.
  Result<std::string> begin_launch(const std::string& service) const;
  std::string nonce(const std::string& service) const;      // of the last start; "": there was none
  std::string launch_of(const std::string& service) const;  // names that start, and tells no nonce

  const std::filesystem::path& state() const { return state_; }
  std::filesystem::path log_of(const std::string& service) const;
  std::filesystem::path unit_of(const std::string& service) const;

 private:
  std::filesystem::path nonce_file(const std::string& service) const;

  std::filesystem::path state_;
};

struct FoundProcess {
  std::string name;  // as its environment says
  ProcessName process;
  uid_t user = 0;  // its real one: nobody else gives a process both of the two
};
// Group leaders whose environment says that an agent with this state directory started them: what
// it had launched but not yet recorded when it died. The oldest first. Anybody may start a process
// with such words in its environment, so services are found by the nonce, and scripts only when
// they are of a user whose scripts the agent starts.
std::vector<FoundProcess> find_started_services(const ServiceFiles& files);
std::vector<FoundProcess> find_started_actions(const std::filesystem::path& state,
                                               const std::set<uid_t>& users);

std::string boot_id();

}  // namespace panshi::agent
