// SPDX-License-Identifier: Apache-2.0
// bench_shop BIN_DIR [PART…] [--rate N] [--seconds N] [--runs N] [--state DIR] [--json]
// Exit 0 when everything asked is met, 1 when something is missed, 2 when it was not measured.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>

#include "core/base/text.h"
#include "core/json/fields.h"
#include "tests/bench/shop/parts.h"
#include "tests/support/temporary_folder.h"

namespace panshi::bench {
namespace {

using Measure = void (*)(Lab&, const PartOptions&, Figures&);
struct Part {
  const char* name;
  const char* summary;
  Measure measure;
};
constexpr Part kParts[] = {
    {"start", "cold and warm lab up to the first purchase", measure_start},
    {"idle", "CPU and memory while nobody comes", measure_idle},
    {"steady", "a rate for a time: latency, ledger, CPU of a purchase by program", measure_steady},
    {"shedding", "the limit, and goodput and priorities at twice that", measure_shedding},
    {"shard", "what answers while one shard's primary is frozen", measure_shard_down},
};

int run(int argc, char** argv) {
  std::string programs;
  std::vector<std::string> names;
  std::string state;
  double seconds = 60;
  bool json = false;
  PartOptions options;
  CLI::App app("Measures the bundled shop, each figure beside what is asked of it.");
  std::vector<std::string> known;
  std::string summaries = "Parts (default: all):\n";
  for (const Part& part : kParts) {
    known.push_back(part.name);
    summaries += cat("  ", part.name, ": ", part.summary, "\n");
  }
  app.footer(summaries);
  app.add_option("programs", programs, "where panshi and storefront are")->required();
  app.add_option("parts", names, "what to measure")->check(CLI::IsMember(known));
  app.add_option("--rate", options.rate, "purchases a second")->check(CLI::Range(1.0, 10000.0));
  app.add_option("--seconds", seconds, "for how long")->check(CLI::Range(1.0, 600.0));
  app.add_option("--runs", options.runs, "of what can be repeated")->check(CLI::Range(1, 20));
  app.add_option("--state", state, "a lab's state; one that runs there is used and left running");
  app.add_flag("--json", json, "one JSON document on stdout");
  CLI11_PARSE(app, argc, argv);
  options.span = Duration(static_cast<std::int64_t>(seconds * 1e6));

  const TemporaryFolder folder;
  Figures figures(!json);
  {
    Lab lab(programs, state.empty() ? folder.path() : std::filesystem::path(state));
    for (const Part& part : kParts) {
      if (!names.empty() && std::find(names.begin(), names.end(), part.name) == names.end()) {
        continue;
      }
      try {
        part.measure(lab, options, figures);
      } catch (const std::exception& error) {
        figures.fail(error.what());
      }
    }
  }
  if (json) std::cout << figures.json().dump(2) << '\n';
  if (!figures.all_measured()) return 2;
  return figures.all_met() ? 0 : 1;
}

}  // namespace
}  // namespace panshi::bench

int main(int argc, char** argv) {
  // Whoever reads us may leave (`| head`): the lab must still be taken down.
  std::signal(SIGPIPE, SIG_IGN);
  return panshi::bench::run(argc, argv);
}
