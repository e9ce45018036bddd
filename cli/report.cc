// SPDX-License-Identifier: Apache-2.0
// panshi report DRILL | verify FILE [--journal]
#include <algorithm>
#include <iterator>
#include <limits>

#include "cli/connection.h"
#include "cli/exit_codes.h"
#include "controller/report/verify.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"

namespace panshi::cli {
namespace {

int save(Invocation& invocation, const std::string& document) {
  const std::string file = invocation.text("--out");
  if (Status written = write_file_durably(file, document); !written)
    return report_error(invocation, written.error());
  if (invocation.json) {
    invocation.terminal.document({{"file", file}, {"bytes", document.size()}});
  } else {
    invocation.terminal.line(cat("written to ", file));
  }
  return kPass;
}

int report(Invocation& invocation) {
  if (!invocation.has("drill")) {
    invocation.terminal.error("report: which drill? `panshi drill list` shows them");
    return kUsage;
  }
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const std::string format = i.text("--format", i.json && !i.has("--out") ? "json" : "md");
    if (format != "md" && format != "html" && format != "json") {
      return report_error(i, {ErrorCode::kInvalid, "--format wants md, html or json"});
    }
    const auto document =
        controller.get_text(cat("/api/v1/reports/", url_text(i.text("drill")), "?format=", format));
    if (!document) return report_error(i, document.error());
    if (i.has("--out")) return save(i, *document);
    i.terminal.raw(*document);
    return kPass;
  });
}

nlohmann::json to_json(const controller::Verification& verification) {
  nlohmann::json differences = nlohmann::json::array();
  for (const controller::Difference& one : verification.differences) {
    differences.push_back(
        {{"path", one.path}, {"reported", one.reported}, {"recomputed", one.recomputed}});
  }
  return {{"ok", verification.differences.empty()},
          {"recomputed", verification.numbers},
          {"differences", std::move(differences)}};
}

// The journal's events between the first and the last of `record`, whatever they belong to.
Result<std::vector<Event>> journal_of(Connection& controller, const nlohmann::json& record) {
  std::int64_t next = std::numeric_limits<std::int64_t>::max();
  std::int64_t last = 0;
  for (const nlohmann::json& event : record) {
    next = std::min(next, event.at("seq").get<std::int64_t>() - 1);
    last = std::max(last, event.at("seq").get<std::int64_t>());
  }
  std::vector<Event> events;
  while (next < last) {
    ASSIGN_OR_RETURN(const nlohmann::json page,
                     controller.get(cat("/api/v1/events?after=", next, "&limit=500")));
    for (const nlohmann::json& item : page.at("events")) {
      ASSIGN_OR_RETURN(Event event, event_from_json(item));
      events.push_back(std::move(event));
    }
    const auto after = page.at("next").get<std::int64_t>();
    if (after <= next) break;
    next = after;
  }
  return events;
}

// Adds what the controller's journal says otherwise.
Status compare_with_journal(Invocation& invocation, const nlohmann::json& report,
                            controller::Verification& verification) {
  ASSIGN_OR_RETURN(Connection controller, Connection::find(invocation));
  ASSIGN_OR_RETURN(const auto journal, journal_of(controller, report["record"]["events"]));
  ASSIGN_OR_RETURN(auto differences, controller::compare_with_journal(report, journal));
  verification.numbers += report["record"]["events"].size();
  std::move(differences.begin(), differences.end(), std::back_inserter(verification.differences));
  return {};
}

int verify(Invocation& invocation) {
  const std::string file = invocation.text("file");
  const Result<std::string> text = read_file(file, 256 << 20);
  if (!text) return report_error(invocation, text.error());
  const Result<nlohmann::json> document = parse_json(*text, 256 << 20);
  if (!document)
    return report_error(invocation, {ErrorCode::kInvalid, file + ": " + document.error().message});
  Result<controller::Verification> result = controller::verify_report(*document);
  if (!result)
    return report_error(invocation, {ErrorCode::kInvalid, file + ": " + result.error().message});
  if (invocation.has("--journal")) {
    const Status compared = compare_with_journal(invocation, *document, *result);
    if (!compared) return report_error(invocation, compared.error());
  }
  if (invocation.json) invocation.terminal.document(to_json(*result));
  for (const controller::Difference& one : result->differences) {
    invocation.terminal.error(cat(one.path, ": reported ", dump_json(one.reported), ", recomputed ",
                                  dump_json(one.recomputed)));
  }
  if (!result->differences.empty()) return kFail;
  if (!invocation.json)
    invocation.terminal.line(cat(file, ": ", result->numbers, " values recomputed, all agree"));
  return kPass;
}

}  // namespace

std::vector<Command> report_commands() {
  return {{"report",
           "",
           "Print the report of a drill.",
           "panshi report d-1 --format html --out retro.html",
           {{"drill", "DRILL", "id of the drill"},
            {"--format", "FORMAT", "md (default), html or json"},
            {"--out", "FILE", "write it there"}},
           report},
          {"report",
           "verify",
           "Recompute every number of a JSON report from the events inside it.",
           "panshi report verify retro.json --journal",
           {{"file", "FILE", "a report in JSON", true},
            {"--journal", "", "compare these events with the controller's journal too"}},
           verify}};
}

}  // namespace panshi::cli
