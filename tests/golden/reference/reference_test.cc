// SPDX-License-Identifier: Apache-2.0
// Promise: the pages that are made from tables are what the tables say now.
#include <catch2/catch.hpp>
#include <filesystem>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/model/fault_reference.h"

namespace panshi {
namespace {

const std::filesystem::path kSource = PANSHI_SOURCE_DIR;

TEST_CASE("the page of fault kinds is what the kinds table says") {
  INFO("make it anew: build/release/bin/panshi fault explain > docs/reference/faults.md");
  CHECK(read_file(kSource / "docs/reference/faults.md").value_or("") == fault_reference());
}

TEST_CASE("every kind has an example scenario") {
  for (const FaultKindSpec& kind : fault_kind_specs()) {
    std::string file = kind.name;
    file[file.find('.')] = '-';
    INFO(kind.name);
    CHECK(std::filesystem::exists(kSource / "scenarios/examples" / (file + ".yaml")));
  }
}

}  // namespace
}  // namespace panshi
