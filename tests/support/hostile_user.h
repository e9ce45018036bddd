// SPDX-License-Identifier: Apache-2.0
// HostileUser: a process of an account without rights (uid 65534) that does to a Panshi of this
// machine what such an account can: it takes its ports whenever they are free and listens to who
// comes, locks every file that it may open, puts symbolic links where root's programs write,
// poses as their services by its environment, and sends signals to everybody.
//
// Only as root. One thread; it ends with the object.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace panshi {

class HostileUser {
 public:
  struct Plan {
    std::string address = {};
    std::vector<std::uint16_t> ports = {};          // for 0.7 s, then free for 1.5 s, and so on
    std::string greeting = {};                      // of its own to whoever comes there
    std::string secret_mark = "Bearer";             // what a secret is told with
    std::vector<std::filesystem::path> files = {};  // to lock
    std::filesystem::path open_folder = {};         // it may write there, as may root's programs
    std::filesystem::path secret = {};              // what its links point to
    std::vector<std::string> environment = {};      // of a process that poses as one of Panshi's
  };
  struct Did {
    int ports_taken = 0;  // times
    int callers = 0;      // that came to a port it had taken
    int locked = 0;       // files
    int links = 0;        // symbolic links
    int overwritten = 0;  // entries of others that it replaced or removed
    int signals = 0;      // that reached somebody else's process
    int secrets = 0;      // callers that sent a secret
  };

  explicit HostileUser(const Plan& plan);
  ~HostileUser();
  HostileUser(const HostileUser&) = delete;
  HostileUser& operator=(const HostileUser&) = delete;

  Did did() const;     // so far
  bool poses() const;  // its process that poses as a service lives

 private:
  struct Shared;
  Shared* shared_ = nullptr;
  pid_t pid_ = 0;
};

}  // namespace panshi
