// SPDX-License-Identifier: Apache-2.0
// reach() of the matrix test's agent: it dies by SIGKILL at the stage that PANSHI_FAILPOINT names
// ("NUMBER:FILE"), once: FILE is made then, and whoever finds it lives on.
#include "agents/faults/failpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace panshi::agent {

void reach(Stage stage) {
  const char* text = std::getenv("PANSHI_FAILPOINT");
  if (text == nullptr) return;
  const std::string order = text;
  const std::size_t colon = order.find(':');
  if (order.substr(0, colon) != std::to_string(static_cast<int>(stage))) return;
  const int file = ::open(order.c_str() + colon + 1, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace panshi::agent
