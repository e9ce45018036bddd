// SPDX-License-Identifier: Apache-2.0
// panshi-controller: the control plane. Exit 0 after an orderly stop, 1 when it had to give up,
// 64 for a wrong command line or configuration.
#include <cstdio>
#include <cstring>
#include <string>

#include "controller/app.h"
#include "controller/fleet/take_over.h"
#include "controller/scheduler/scheduler.h"
#include "controller/version.h"
#include "controller/world_brain.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "core/io/mac.h"
#include "core/io/private_folder.h"
#include "core/io/signals.h"
#include "core/io/trusted_path.h"
#include "core/model/check.h"

namespace panshi::controller {
namespace {

constexpr int kGaveUp = 1;
constexpr int kUsage = 64;
constexpr std::size_t kEffectTagDigits = 16;

constexpr const char* kHelp =
    "panshi-controller: schedules drills, runs them through the agents, watches, heals, reports\n"
    "\n"
    "  panshi-controller --config FILE                 run until SIGTERM or SIGINT\n"
    "  panshi-controller --config FILE --check-config  only say what is wrong with it and with "
    "the\n"
    "                                                  certificates that it names; not those with\n"
    "                                                  --without-files\n"
    "  panshi-controller --config FILE --take-over     and command agents that another "
    "controller,\n"
    "                                                  or one whose state is lost, commanded "
    "before\n"
    "  panshi-controller --help | --version\n"
    "\n"
    "SIGHUP, as `panshi reload`: read FILE and what it names again, take in all or nothing.\n"
    "FILE is YAML or JSON, described in docs/reference/controller-api.md. Example:\n"
    "  panshi-controller --config /etc/panshi/controller.yaml\n"
    "\n"
    "Exit: 0 stopped in good order, 1 had to give up (the last line says why), 64 bad usage or\n"
    "configuration.\n";

struct Flags {
  std::string config;
  bool check = false;
  bool without_files = false;
  bool take_over = false;
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
    } else if (flag == "--without-files") {  // they may not be made yet
      flags.without_files = true;
    } else if (flag == "--take-over") {
      flags.take_over = true;
    } else if (flag == "--config" && i + 1 < argc) {
      flags.config = argv[++i];
    } else if (flag.starts_with("--config=")) {
      flags.config = flag.substr(std::strlen("--config="));
    } else {
      const std::vector<std::string> known = {"--config",    "--check-config", "--without-files",
                                              "--take-over", "--help",         "--version"};
      if (flag == "--config") return fail(ErrorCode::kInvalid, "--config wants a file");
      return fail(ErrorCode::kInvalid, cat("unknown flag ", flag, did_you_mean(flag, known)));
    }
  }
  if (flags.without_files && !flags.check) {
    return fail(ErrorCode::kInvalid, "--without-files goes with --check-config (see --help)");
  }
  if (flags.config.empty() && !flags.help && !flags.version) {
    return fail(ErrorCode::kInvalid, "--config FILE is missing (see --help)");
  }
  return flags;
}

int complain(const Error& error, int status) {
  std::fprintf(stderr, "%s\n", printable(error.message).c_str());
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

// Whoever may change these files decides what agents do as root.
Status check_whose(const std::filesystem::path& file, const Config& config) {
  if (auto fine = check_trusted(file); !fine) return fine;
  const auto& catalog = config.catalog;
  for (const auto& folder :
       {catalog.scenarios, catalog.rules, catalog.runbooks, catalog.schedules}) {
    if (folder.empty()) continue;
    if (auto fine = check_trusted_folder(folder); !fine) return fine;
  }
  return {};
}

Result<App::Loaded> load_again(const std::filesystem::path& file, const AgentOffers& said) {
  ASSIGN_OR_RETURN(Config config, load_config(file));
  if (auto fine = check_whose(file, config); !fine) return tl::unexpected(fine.error());
  Config checked = config;
  checked.inventory.learn(said);
  ASSIGN_OR_RETURN(Catalog catalog, load_catalog(checked));
  catalog.inventory = config.inventory;  // agents may say otherwise later
  return App::Loaded{std::move(config), std::move(catalog)};
}

void reload(App& app) {
  log_info("SIGHUP: reading the configuration again");
  const auto noted = app.note("whoever sent SIGHUP", "reload");
  const auto reloaded = noted ? app.reload() : tl::unexpected(noted.error());
  if (!reloaded) {
    for (const std::string& line : split(reloaded.error().message, '\n')) {
      log_error(cat("not reloaded: ", line));
    }
    return;
  }
  for (const auto& key : reloaded->at("needs_restart")) {
    log_warn(cat("reload: `", key.get<std::string>(), "` is taken in by a restart alone"));
  }
  log_info(cat("reloaded, ", reloaded->at("changes").size(), " change(s)"));
}

// 0, or the status to give up with.
int take_over(const Config& config, App::Parts& parts) {
  const auto taken = ask_agents(config.inventory, tls_files(config.security));
  if (!taken) return complain(taken.error(), kGaveUp);
  parts.takes_over = true;
  parts.epoch_above = taken->epoch;
  parts.ids_above = taken->ids;
  log_info(cat("taking over from epoch ", taken->epoch));
  for (const std::string& agent : taken->doubted) {
    log_warn(
        cat("not believed, and will refuse: agent ", agent,
            "; if the node is yours again, stop its agent, remove agent.epoch in its state, and "
            "start it"));
  }
  for (const std::string& agent : taken->silent) {
    log_warn(cat("not asked, and may refuse later: agent ", agent));
  }
  return 0;
}

int serve(const Config& config, const Catalog& catalog, bool takes_over) {
  const SystemClock clock;
  // Effects of before the start keep the ids that they have in the journal.
  WorldBrain brain(catalog, [key = random_key()](std::int64_t number) {
    return mac_of(key, cat(number)).substr(0, kEffectTagDigits);
  });
  App::Parts parts{
      .catalog = catalog,
      .brain = brain,
      .clock = clock,
      .version = kVersion,
      .draw = &draw_of,
      .load = [&config](const AgentOffers& said) { return load_again(config.file, said); }};
  if (const int status = takes_over ? take_over(config, parts) : 0; status != 0) return status;
  App app(config, std::move(parts));
  if (const auto opened = app.open(); !opened) return complain(opened.error(), kGaveUp);
  log_info(
      cat("listening on ", config.address, ":", app.port(), ", state in ", config.state.string()));
  warn_if_insecure(config.security, config.address);
  const StopSignal stop([&app](int signal) {
    log_info(cat("stopping on signal ", signal));
    app.stop();
  });
  const ReloadSignal on_hangup([&app] { reload(app); });
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
  if (auto fine = check_whose(flags->config, *config); !fine) return complain(fine.error(), kUsage);
  if (!flags->without_files) {
    const auto tls = load_tls(config->security, "controller/", wall_now());
    if (!tls) return complain(tls.error(), kUsage);
    const std::string warning = *tls ? warning_of_name(**tls, config->address) : "";
    if (!warning.empty()) std::fprintf(stderr, "warning: %s\n", printable(warning).c_str());
  }
  if (flags->check) return std::printf("%s: good\n", flags->config.c_str()), 0;
  keep_new_files_private();  // journal, samples and reports
  prepare_signals();
  prepare_reload_signal();
  open_log("panshi-controller", LogLevel::kInfo);
  return serve(*config, *catalog, flags->take_over);
}

}  // namespace
}  // namespace panshi::controller

int main(int argc, char** argv) { return panshi::controller::run(argc, argv); }
