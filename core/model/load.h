// SPDX-License-Identifier: Apache-2.0
// Loading: files and directories of YAML to a checked Catalog, or every mistake with its place.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/catalog.h"

namespace panshi {

struct CatalogPaths {  // directories, read without descending, *.yaml and *.yml by name
  std::filesystem::path scenarios;
  std::filesystem::path rules;
  std::filesystem::path runbooks;
  std::filesystem::path schedules;  // may be empty: no drill days
};

// Errors: kInvalid with one line per mistake over all files ("file:line:column: …"), kNotFound for
// a directory that is not there.
Result<Catalog> load_catalog(const CatalogPaths& paths, Inventory inventory);

// What `panshi validate FILE…` says. The kind of each file is seen from its keys. Names between the
// given files are checked when files of that kind are among them, or in `also`; `inventory` and
// `also` may be null.
struct Validation {
  std::vector<std::string> good;   // "a.yaml: scenario cardkeys-hang"
  std::vector<std::string> lines;  // mistakes, ready to print
};
struct CatalogNames {  // of what a controller has already
  std::vector<std::string> scenarios, rules, runbooks, days;
};
Validation validate_files(const std::vector<std::filesystem::path>& files,
                          const Inventory* inventory, const CatalogNames* also = nullptr);

}  // namespace panshi
