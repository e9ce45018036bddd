// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/degradation/plan.h"

#include <set>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/yaml.h"
#include "core/json/fields.h"

namespace panshi::shop {
namespace {

void need_languages(Fields& in, const char* key, InTwoLanguages& out) {
  const nlohmann::json* value = in.need_value(key);
  if (value == nullptr) return;
  Fields languages(*value, in.path_of(key), in.problems());
  languages.need("zh", out.zh);
  languages.need("en", out.en);
  languages.done();
}

void need_answer(Fields& in, DegradationRow& row) {
  const nlohmann::json* value = in.need_value("answer");
  if (value == nullptr) return;
  Fields answer(*value, in.path_of("answer"), in.problems());
  answer.need("status", row.status, {200, 599});
  answer.may("says", row.says);
  answer.may("leaves_out", row.leaves_out);
  if (row.says.empty() == row.leaves_out.empty()) {
    answer.problem("", "must have one of `says` and `leaves_out`");
  }
  answer.done();
}

DegradationRow read_row(const nlohmann::json& item, const std::string& path, Problems& problems) {
  DegradationRow row;
  Fields in(item, path, problems);
  in.need("function", row.function);
  in.need("level", row.level, {1, 3});
  need_languages(in, "title", row.title);
  in.may("depends_on", row.depends_on);
  if (row.depends_on.empty()) in.problem("depends_on", "must name what the function depends on");
  need_languages(in, "otherwise", row.otherwise);
  need_answer(in, row);
  in.done();
  return row;
}

}  // namespace

Result<std::vector<DegradationRow>> read_degradation_plan(std::string_view yaml) {
  ASSIGN_OR_RETURN(const Document document, read_yaml(yaml, "plan.yaml"));
  Problems problems;
  Fields in(document.root, "", problems);
  std::vector<DegradationRow> plan;
  std::set<std::string> names;
  in.need_each("functions", [&](const nlohmann::json& item, const std::string& path) {
    plan.push_back(read_row(item, path, problems));
    if (!names.insert(plan.back().function).second) {
      in.problem("functions", cat("names `", plan.back().function, "` twice"));
    }
  });
  in.done();
  if (!problems.empty()) return fail(ErrorCode::kInvalid, problems_text(problems, document));
  return plan;
}

const std::vector<DegradationRow>& degradation_plan() {
  static const std::vector<DegradationRow> kPlan = [] {
    auto read = read_degradation_plan(kDegradationPlanYaml);
    CHECK_BUG(read.has_value());
    return *std::move(read);
  }();
  return kPlan;
}

nlohmann::json to_json(const std::vector<DegradationRow>& plan) {
  nlohmann::json rows = nlohmann::json::array();
  for (const DegradationRow& row : plan) {
    rows.push_back({{"function", row.function},
                    {"level", row.level},
                    {"title", {{"zh", row.title.zh}, {"en", row.title.en}}},
                    {"depends_on", row.depends_on},
                    {"otherwise", {{"zh", row.otherwise.zh}, {"en", row.otherwise.en}}},
                    {"status", row.status}});
  }
  return rows;
}

}  // namespace panshi::shop
