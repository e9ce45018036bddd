// SPDX-License-Identifier: Apache-2.0
#include "controller/report/compare.h"

#include <algorithm>
#include <array>
#include <utility>

#include "controller/report/graph.h"
#include "controller/report/markdown_text.h"
#include "controller/report/series.h"
#include "controller/report/template.h"
#include "controller/report/wording.h"
#include "controller/report/words.h"
#include "core/base/text.h"
#include "core/json/html.h"

namespace panshi::controller {
namespace {

using namespace markdown;
using Json = nlohmann::json;

// Two labs may both have a d-1.
std::string label_a(const Report& a) { return "A " + a.drill; }
std::string label_b(const Report& b) { return "B " + b.drill; }

struct Cell {
  std::string text = "–";
  const char* tone = "";
};
struct Row {
  std::string name;
  Cell a;
  Cell b;
};
// One signal of both drills; either may be without it.
struct SignalPair {
  std::string signal;
  const SignalSeries* a = nullptr;
  const SignalSeries* b = nullptr;
};

// What each of the two says under the same name; those of `a` first, in their order.
template <class T, class Name, class Say>
std::vector<Row> pair_up(const std::vector<T>& a, const std::vector<T>& b, Name name, Say say) {
  std::vector<Row> rows;
  for (const T& one : a) rows.push_back({name(one), say(one), {}});
  for (const T& one : b) {
    const auto known = std::find_if(rows.begin(), rows.end(),
                                    [&](const Row& other) { return other.name == name(one); });
    Row& row = known != rows.end() ? *known : rows.emplace_back(Row{name(one), {}, {}});
    row.b = say(one);
  }
  return rows;
}

std::vector<Row> verdicts(const Report& a, const Report& b) {
  const auto drill = [](const Report& report) {
    return Cell{report.verdict + (report.aborted ? ", aborted" : ""), verdict_tone(report.verdict)};
  };
  const auto ledger = [](const Report& report) {
    if (!report.ledger) return Cell{"not audited", "unsure"};
    const std::string& verdict = report.ledger->verdict;
    return Cell{verdict, verdict == "valid" ? "good" : verdict == "invalid" ? "bad" : "unsure"};
  };
  return {{"scenario", {a.scenario}, {b.scenario}},
          {"verdict", drill(a), drill(b)},
          {"ledger", ledger(a), ledger(b)}};
}

std::vector<Row> phase_rows(const Report& a, const Report& b) {
  return pair_up(
      a.phases, b.phases, [](const Phase& phase) { return phase.name; },
      [](const Phase& phase) {
        return phase.since_in_force_us ? Cell{ms_text(*phase.since_in_force_us)} : Cell{};
      });
}

std::vector<Row> expectation_rows(const Report& a, const Report& b) {
  return pair_up(
      a.expectations, b.expectations, [](const ReportExpectation& one) { return one.text; },
      [](const ReportExpectation& one) {
        return Cell{met_word(one.ok), !one.ok ? "unsure" : *one.ok ? "good" : "bad"};
      });
}

std::vector<Row> ledger_rows(const Report& a, const Report& b) {
  const auto lines = [](const Report& report) {
    return report.ledger ? report.ledger->lines : std::vector<LedgerLine>();
  };
  return pair_up(
      lines(a), lines(b), [](const LedgerLine& line) { return line.name; },
      [](const LedgerLine& line) {
        if (!line.count) return Cell{};
        const bool is_bad = line.must_be && *line.count != *line.must_be;
        return Cell{std::to_string(*line.count), is_bad ? "bad" : ""};
      });
}

std::vector<SignalPair> signal_pairs(const Report& a, const Report& b) {
  std::vector<SignalPair> pairs;
  for (const SignalSeries& series : a.series) pairs.push_back({series.signal, &series, nullptr});
  for (const SignalSeries& series : b.series) {
    const auto known = std::find_if(pairs.begin(), pairs.end(), [&](const SignalPair& pair) {
      return pair.signal == series.signal;
    });
    (known != pairs.end() ? *known : pairs.emplace_back(SignalPair{series.signal})).b = &series;
  }
  return pairs;
}

// before, worst, after
std::array<std::string, 3> facts_words(const Report& report, const SignalSeries* series) {
  if (series == nullptr) return {"–", "–", "–"};
  const SeriesFacts facts = series_facts(report, *series);
  const auto word = [&](const std::optional<double>& value) {
    return value ? in_unit(*value, facts.unit) : std::string("–");
  };
  return {word(facts.before), word(facts.worst), word(facts.after)};
}

double highest_of(const SignalPair& pair) {
  double most = unit_of(pair.signal) == "%" ? 1 : 0;
  for (const SignalSeries* series : {pair.a, pair.b}) {
    if (series == nullptr) continue;
    for (const auto& sample : series->samples) most = std::max(most, sample.second);
  }
  return most;
}

std::optional<GraphScale> scale_of(const Report& report, const SignalSeries* series) {
  return series == nullptr ? std::nullopt : graph_scale(report, *series);
}

// What both need.
std::optional<GraphScale> shared_scale(const std::optional<GraphScale>& a,
                                       const std::optional<GraphScale>& b) {
  if (!a || !b) return a ? a : b;
  return GraphScale{std::min(a->from_s, b->from_s), std::max(a->to_s, b->to_s),
                    std::max(a->y_max, b->y_max)};
}

void table(std::string& out, const char* heading, const std::vector<Row>& rows, const Report& a,
           const Report& b) {
  if (rows.empty()) return;
  out += cat("\n## ", heading, "\n\n", row({"", code(label_a(a)), code(label_b(b))}),
             "|---|---:|---:|\n");
  for (const Row& one : rows) out += row({safe(one.name), safe(one.a.text), safe(one.b.text)});
}

Json rows_view(const std::vector<Row>& rows) {
  Json list = Json::array();
  for (const Row& one : rows) {
    list.push_back({{"name", one.name},
                    {"a", one.a.text},
                    {"a_tone", one.a.tone},
                    {"b", one.b.text},
                    {"b_tone", one.b.tone}});
  }
  return list;
}

Json section(const char* heading, const std::vector<Row>& rows) {
  return {{"heading", heading}, {"rows", rows_view(rows)}};
}

Json graph_view(const Report& report, const std::string& label, const SignalSeries* series,
                int number, const std::optional<GraphScale>& scale) {
  const auto [before, worst, after] = facts_words(report, series);
  return {{"drill", label},
          {"before", before},
          {"worst", worst},
          {"after", after},
          {"svg", series == nullptr ? std::string() : graph_svg(report, *series, number, scale)}};
}

}  // namespace

std::string compare_markdown(const Report& a, const Report& b) {
  std::string out = cat("# ", safe(a.title), "\n\nDrill ", code(label_a(a)), " beside drill ",
                        code(label_b(b)), ".\n");
  table(out, "Verdicts", verdicts(a, b), a, b);
  table(out, "Phases, milliseconds since the fault was in force", phase_rows(a, b), a, b);
  const std::vector<SignalPair> pairs = signal_pairs(a, b);
  if (!pairs.empty()) {
    out +=
        "\n## Signals\n\n| signal | drill | before | worst | after | over the drill |\n"
        "|---|---|---:|---:|---:|---|\n";
  }
  for (const SignalPair& pair : pairs) {
    const auto line = [&](const Report& report, const std::string& label,
                          const SignalSeries* series) {
      const auto [before, worst, after] = facts_words(report, series);
      out += row({code(pair.signal), code(label), before, worst, after,
                  series == nullptr ? "" : sparkline(*series, highest_of(pair))});
    };
    line(a, label_a(a), pair.a);
    line(b, label_b(b), pair.b);
  }
  table(out, "Expectations", expectation_rows(a, b), a, b);
  table(out, "Ledger", ledger_rows(a, b), a, b);
  return out;
}

std::string compare_html(const Report& a, const Report& b) {
  Json graphs = Json::array();
  int number = 0;
  for (const SignalPair& pair : signal_pairs(a, b)) {
    const auto scale = shared_scale(scale_of(a, pair.a), scale_of(b, pair.b));
    if (!scale) continue;
    graphs.push_back({{"signal", pair.signal},
                      {"pair",
                       {graph_view(a, label_a(a), pair.a, number, scale),
                        graph_view(b, label_b(b), pair.b, number + 1, scale)}}});
    number += 2;
  }
  const Json view = {
      {"title", a.title},
      {"a_drill", label_a(a)},
      {"b_drill", label_b(b)},
      {"before_graphs",
       {section("Verdicts", verdicts(a, b)),
        section("Phases, milliseconds since the fault was in force", phase_rows(a, b))}},
      {"has_graphs", !graphs.empty()},
      {"graphs", graphs},
      {"after_graphs",
       {section("Expectations", expectation_rows(a, b)), section("Ledger", ledger_rows(a, b))}},
      {"style", std::string(kReportStyle)}};
  return fill_template(kCompareTemplate, view);
}

Json compare_json(const Report& a, const Report& b) {
  const auto side = [](const Report& report) {
    const Json whole = report_json(report);
    Json picked;
    for (const char* key : {"drill", "scenario", "title", "seed", "verdict", "aborted", "phases",
                            "signals", "expectations", "ledger"}) {
      picked[key] = whole.at(key);
    }
    return picked;
  };
  return {{"format", 1}, {"a", side(a)}, {"b", side(b)}};
}

}  // namespace panshi::controller
