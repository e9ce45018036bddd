// SPDX-License-Identifier: Apache-2.0
// storefront ROLE --config FILE: the bundled shop, one role a process.
#include <iostream>

#include "core/base/text.h"
#include "core/io/log.h"
#include "core/io/signals.h"
#include "platform/storefront/roles.h"

namespace panshi::shop {
namespace {

void print_usage(std::ostream& out) {
  out << "usage: storefront ROLE --config FILE [--check-config]\n\n"
         "The bundled shop; each role is a process of its own. FILE is YAML or JSON.\n\nroles:\n";
  for (const Role& role : roles()) {
    const std::string name = role.name;
    out << "  " << name << std::string(12 - std::min<std::size_t>(11, name.size()), ' ')
        << role.summary << '\n';
  }
  out << "\noptions:\n"
         "  --config FILE    the role's configuration (docs/reference/storefront.md)\n"
         "  --check-config   only check it: exit 0 when it is fine, 64 with every mistake\n"
         "  --help           this text, or that of a role\n\n"
         "example:\n  storefront psp --config /tmp/psp.yaml\n";
}

void print_role_usage(const Role& role) {
  std::cout << "usage: storefront " << role.name << " --config FILE [--check-config]"
            << (*role.options ? " " : "") << role.options << "\n\n"
            << role.summary << '\n';
}

std::vector<std::string> role_names() {
  std::vector<std::string> names;
  for (const Role& role : roles()) names.emplace_back(role.name);
  return names;
}

int usage_error(const std::string& message) {
  std::cerr << "storefront: " << printable(message) << "; see storefront --help\n";
  return kExitUsage;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return usage_error("which role?");
  if (arguments[0] == "--help" || arguments[0] == "-h") {
    print_usage(std::cout);
    return kExitOk;
  }
  const Role* role = find_role(arguments[0]);
  if (!role) {
    return usage_error(
        cat("no role `", arguments[0], "`", did_you_mean(arguments[0], role_names())));
  }
  RoleContext context;
  context.role = role->name;
  std::string file;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i] == "--help" || arguments[i] == "-h") {
      print_role_usage(*role);
      return kExitOk;
    }
    if (arguments[i] == "--check-config") {
      context.check_only = true;
    } else if (arguments[i] == "--config") {
      if (++i == arguments.size()) return usage_error("--config wants a file");
      file = arguments[i];
    } else {
      context.arguments.push_back(arguments[i]);
    }
  }
  if (file.empty()) return usage_error("--config FILE is missing");
  auto document = load_yaml(file);
  if (!document) {
    std::cerr << printable(document.error().message) << '\n';
    return kExitUsage;
  }
  context.config = *std::move(document);
  open_log(cat("storefront ", role->name), LogLevel::kInfo);
  return role->run(context);
}

}  // namespace
}  // namespace panshi::shop

int main(int argc, char** argv) {
  panshi::prepare_signals();
  return panshi::shop::run(std::vector<std::string>(argv + 1, argv + argc));
}
