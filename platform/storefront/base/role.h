// SPDX-License-Identifier: Apache-2.0
// Role: one of the services that the `storefront` program can be.
//
// To add one: write its run function, add its line to platform/storefront/roles.cc. A role reads
// its configuration through read_config(), which reports every mistake with its line and honours
// --check-config, so all roles behave alike.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/io/yaml.h"
#include "core/json/fields.h"

namespace panshi::shop {

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 64;

struct RoleContext {
  std::string role;
  Document config;                     // the file given by --config
  bool check_only = false;             // --check-config
  std::vector<std::string> arguments;  // what follows and the program itself does not know
};

struct Role {
  const char* name;
  const char* summary;  // one sentence for --help
  const char* options;  // its own arguments as --help shows them; "" when it has none
  // Blocks until the role has ended; the exit status of the process. Called on the main thread,
  // with SIGTERM and SIGINT blocked (prepare_signals) and the log open.
  int (*run)(const RoleContext& context);
};

// What to exit with when the configuration, or the command line, ends the role before it starts.
template <class Config>
struct ConfigOrExit {
  std::optional<Config> config;
  int exit_status = kExitOk;
};

// Prints `problems` to stderr, one a line, or with --check-config that the file is fine.
// Returns true when the role should go on.
bool accept_config(const RoleContext& context, const Problems& problems, int& exit_status);

// `read` fills the struct from the file's root. Roles without own arguments refuse any.
template <class Config>
ConfigOrExit<Config> read_config(const RoleContext& context,
                                 const std::function<void(Fields&, Config&)>& read) {
  Problems problems;
  Config config;
  Fields in(context.config.root, "", problems);
  read(in, config);
  in.done();
  ConfigOrExit<Config> outcome;
  if (accept_config(context, problems, outcome.exit_status)) outcome.config = std::move(config);
  return outcome;
}

// For roles without arguments of their own: false, with a line on stderr, when there are some.
bool refuse_arguments(const RoleContext& context);

}  // namespace panshi::shop
