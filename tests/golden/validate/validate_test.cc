// SPDX-License-Identifier: Apache-2.0
// Promise: what `panshi validate` says about wrong files is exact and complete.
//
// Each folder of tests/golden/validate is a case, its name a sentence: all its *.yaml together,
// with inventory.json when there is one. PANSHI_GOLDEN_UPDATE=1 writes expected.txt anew: read the
// diff.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/model/load.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;

Inventory read_inventory(const fs::path& file) {
  Inventory inventory;
  Problems problems;
  const auto json = parse_json(read_file(file).value()).value();
  for (const auto& item : json) {
    InventoryNode node = read_inventory_node(item, "", problems);
    inventory.nodes[node.name] = node;
  }
  REQUIRE(problems.empty());
  return inventory;
}

std::string validate(const fs::path& folder) {
  fs::current_path(folder);  // so that messages name files without the way to them
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(".")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().filename());
  }
  std::sort(files.begin(), files.end());
  const bool has_inventory = fs::exists("inventory.json");
  const Inventory inventory = has_inventory ? read_inventory("inventory.json") : Inventory{};
  const Validation validation = validate_files(files, has_inventory ? &inventory : nullptr);
  std::string text;
  for (const std::string& line : validation.good) text += cat("good: ", line, "\n");
  for (const std::string& line : validation.lines) text += cat(line, "\n");
  return text;
}

TEST_CASE("validate says exactly what is wrong") {
  const fs::path root = fs::path(PANSHI_SOURCE_DIR) / "tests/golden/validate";
  std::size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (!entry.is_directory()) continue;
    INFO(entry.path().filename());
    const std::string said = validate(entry.path());
    const fs::path expected = entry.path() / "expected.txt";
    if (std::getenv("PANSHI_GOLDEN_UPDATE")) REQUIRE(write_file_durably(expected, said));
    CHECK(said == read_file(expected).value_or("no expected.txt"));
    ++cases;
  }
  CHECK(cases >= 6);
}

TEST_CASE("the shop's own files are good") {
  const fs::path root(PANSHI_SOURCE_DIR);
  std::vector<fs::path> files;
  for (const char* folder : {"scenarios", "rules", "runbooks", "schedules"}) {
    for (const auto& entry : fs::directory_iterator(root / folder)) {
      if (entry.path().extension() == ".yaml") files.push_back(entry.path());
    }
  }
  const Validation validation = validate_files(files, nullptr);
  CHECK(join(validation.lines, "\n") == "");
  CHECK(validation.good.size() == files.size());
}

}  // namespace
}  // namespace panshi
