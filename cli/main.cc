// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/parse.h"

int main(int argc, char** argv) {
  return panshi::cli::parse_and_run(panshi::cli::all_commands(), argc, argv);
}
