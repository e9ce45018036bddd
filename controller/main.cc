// SPDX-License-Identifier: Apache-2.0
// panshi-controller: the control plane. Exit 0 after an orderly stop, 1 when it had to give up,
// 64 for a wrong command line or configuration.
#include <cstdio>
#include <cstring>
#include <string>

#include "controller/app.h"
#include "controller/scheduler/scheduler.h"
#include "controller/version.h"
#include "controller/world_brain.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "core/io/signals.h"
#include "core/model/check.h"

namespace panshi::controller {
namespace {

constexpr int kGaveUp = 1;
constexpr int kUsage = 64;

constexpr const char* kHelp =
    "panshi-controller: schedules drills, runs them through the agents, watches, heals, reports\n"
    "\n"
    "  panshi-controller --config FILE                 run until SIGTERM or SIGINT\n"
    "  panshi-controller --config FILE --check-config  only say what is wrong with it\n"
    "  panshi-controller --help | --version\n"
    "\n"
    "FILE is YAML or JSON, described in docs/reference/controller-api.md. Example:\n"
    "  panshi-controller --config /etc/panshi/controller.yaml\n"
    "\n"
    "Exit: 0 stopped in good order, 1 had to give up (the last line says why), 64 bad usage or\n"
    "configuration.\n";

struct Flags {
  std::string config;
  bool check = false;
  bool help = false;
  bool version = false;
};

Result<Flags> read_flags(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--help" || flag == "-h") {
      flags.help = true;
    } else if (flag == "--version") {
      flags.version = true;
    } else if (flag == "--check-config") {
      flags.check = true;
    } else if (flag == "--config" && i + 1 < argc) {
      flags.config = argv[++i];
    } else if (flag.starts_with("--config=")) {
      flags.config = flag.substr(std::strlen("--config="));
    } else {
      const std::vector<std::string> known = {"--config", "--check-config", "--help", "--version"};
      if (flag == "--config") return fail(ErrorCode::kInvalid, "--config wants a file");
      return fail(ErrorCode::kInvalid, cat("unknown flag ", flag, did_you_mean(flag, known)));
    }
  }
  if (flags.config.empty() && !flags.help && !flags.version) {
    return fail(ErrorCode::kInvalid, "--config FILE is missing (see --help)");
  }
  return flags;
}

int complain(const Error& error, int status) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return status;
}

Result<nlohmann::json> draw_of(const Catalog& catalog, const std::string& name,
                               std::uint64_t seed) {
  std::vector<std::string> known;
  for (const DrillDay& day : catalog.drill_days) {
    if (day.name == name) return draw(catalog, day, seed);
    known.push_back(day.name);
  }
  return fail(ErrorCode::kNotFound, unknown_name("drill day", name, known));
}

int serve(const Config& config, const Catalog& catalog) {
  const SystemClock clock;
  WorldBrain brain(catalog);
  App app(config, {.catalog = catalog,
                   .brain = brain,
                   .clock = clock,
                   .version = kVersion,
                   .draw = [&](const std::string& day, std::uint64_t seed) {
                     return draw_of(catalog, day, seed);
                   }});
  if (const auto opened = app.open(); !opened) return complain(opened.error(), kGaveUp);
  log_info(
      cat("listening on ", config.address, ":", app.port(), ", state in ", config.state.string()));
  const StopSignal stop([&app](int signal) {
    log_info(cat("stopping on signal ", signal));
    app.stop();
  });
  if (const auto ran = app.run(); !ran) {
    log_error(cat("giving up, faults end with their leases: ", ran.error().message));
    return kGaveUp;
  }
  log_info("stopped");
  return 0;
}

int run(int argc, char** argv) {
  const auto flags = read_flags(argc, argv);
  if (!flags)
    return complain({ErrorCode::kInvalid, "panshi-controller: " + flags.error().message}, kUsage);
  if (flags->help) return std::fputs(kHelp, stdout), 0;
  if (flags->version) return std::printf("panshi-controller %s\n", kVersion), 0;
  const auto config = load_config(flags->config);
  if (!config) return complain(config.error(), kUsage);
  const auto catalog = load_catalog(*config);
  if (!catalog) return complain(catalog.error(), kUsage);
  if (flags->check) return std::printf("%s: good\n", flags->config.c_str()), 0;
  prepare_signals();
  open_log("panshi-controller", LogLevel::kInfo);
  return serve(*config, *catalog);
}

}  // namespace
}  // namespace panshi::controller

int main(int argc, char** argv) { return panshi::controller::run(argc, argv); }
