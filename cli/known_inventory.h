// SPDX-License-Identifier: Apache-2.0
// KnownInventory: which nodes, services, links, programs and signals there are, as far as anybody
// can tell: a file says so, or a controller that runs.
#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/lab/lab_plan.h"
#include "core/io/yaml.h"
#include "core/model/load.h"

namespace panshi::cli {

struct KnownInventory {
  std::string from;  // "lab shop", "the controller at http://…"
  Inventory inventory;
  std::optional<CatalogNames> names;  // of a controller that runs
};

// Only a lab file has nodes with hosts.
bool is_lab(const Document& document);
// As `panshi validate` and `panshi lab up` read one; nothing is started.
Result<LabPlan> plan_to_check(const Document& document);
Result<KnownInventory> inventory_of(const LabPlan& plan);

// What `--inventory` names: a lab file, or the configuration of a controller.
Result<KnownInventory> inventory_in(const std::string& file);
// Of the controller that --controller, the environment or the lab names. None: there is no such.
Result<std::optional<KnownInventory>> inventory_of_controller(const Invocation& invocation);

}  // namespace panshi::cli
