// SPDX-License-Identifier: Apache-2.0
// Asks panshi-agent and panshi-controller what they make of the configurations of a lab, before
// anything is started: they are the only ones to know. Nothing is left running.
//
// kInvalid with one line for each mistake; else what kept a program from looking.
#pragma once

#include <filesystem>

#include "cli/lab/lab_plan.h"

namespace panshi::cli {

// Of every node; mistakes are at their place in the lab file. `folder` is for files in between.
Status check_agents(const LabPlan& plan, const Document& document, const std::filesystem::path& bin,
                    const std::filesystem::path& folder);
// Reads the scenarios, rules, runbooks and schedules too, so they must be there.
Status check_controller(const std::filesystem::path& bin, const std::filesystem::path& config);

}  // namespace panshi::cli
