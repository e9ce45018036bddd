// SPDX-License-Identifier: Apache-2.0
#include "core/model/fault_reference.h"

#include "core/base/text.h"

namespace panshi {
namespace {

std::string target_text(const FaultKindSpec& kind) {
  std::vector<std::string> shapes;
  for (const std::string& key : kind.target_keys())
    shapes.push_back(cat("`", target_shape(key), "`"));
  return join(shapes, " or ");
}

std::string bounds_text(const FaultParam& param) {
  if (*param.words != '\0') return join(split(param.words, '|'), ", ");
  if (param.type == FaultParam::Type::kText) return "text";
  return cat(param.min, " to ", param.max, param.type == FaultParam::Type::kPercent ? " %" : "");
}

std::string default_text(const FaultParam& param) {
  if (!param.default_text) return "must be given";
  return *param.default_text == '\0' ? "none" : cat("`", param.default_text, "`");
}

std::string params_table(const FaultKindSpec& kind) {
  std::string table = "\n| parameter | allowed | default | |\n|---|---|---|---|\n";
  for (const FaultParam& param : kind.params) {
    table += cat("| `", param.name, "` | ", bounds_text(param), " | ", default_text(param), " | ",
                 param.summary, " |\n");
  }
  return table;
}

std::string group_of(const FaultKindSpec& kind) { return split(kind.name, '.').front(); }

constexpr const char* kIntro =
    "# Kinds of fault\n\n"
    "Made from the kinds table (`core/model/faults`) by `panshi fault explain`; a test compares.\n"
    "Durations are written `250ms`, sizes `64MiB`, percents as numbers. Which kinds a node can do, "
    "and why\nnot, says `panshi fault kinds`. An example of each is in `scenarios/examples/`.\n";

// What a second fault is refused for, whichever of the two came first.
std::string holds_text(const FaultKindSpec& kind) {
  const FaultHold& holds = kind.holds;
  std::string text;
  if (*holds.what != '\0') {
    const std::string_view by = holds.by;
    text = by.empty() ? cat("The ", holds.what, " of its target alone.")
           : by == holds.what || by == "identity"
               ? cat("Its ", holds.what, " alone.")
               : cat("The ", holds.what, " of its ", holds.by, " alone.");
  }
  if (holds.ends == FaultHold::Ends::kNothing) return text;
  return cat(text, text.empty() ? "" : " ", "It ends processes",
             holds.ends == FaultHold::Ends::kOnce ? "" : ", again and again",
             ": no fault that counts on them may be in force.");
}

}  // namespace

std::string fault_reference(const FaultKindSpec& kind) {
  std::string text = cat("### ", kind.name, "\n\n", kind.summary, "\n\n");
  text += cat("- target: ", target_text(kind), "\n");
  if (*kind.needs != '\0') text += cat("- needs: ", kind.needs, "\n");
  if (const std::string holds = holds_text(kind); !holds.empty()) {
    text += cat("- holds: ", holds, "\n");
  }
  text += cat("- undo: ", kind.undo, "\n- measured: ", kind.measured, "\n");
  return kind.params.empty() ? text : text + params_table(kind);
}

std::string fault_reference() {
  std::string page = kIntro;
  std::string group;
  for (const FaultKindSpec& kind : fault_kind_specs()) {
    if (group_of(kind) != group) {
      group = group_of(kind);
      page += cat("\n## ", group, "\n");
    }
    page += "\n" + fault_reference(kind);
  }
  return page;
}

}  // namespace panshi
