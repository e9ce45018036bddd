// SPDX-License-Identifier: Apache-2.0
// panshi report DRILL | verify FILE [--journal] | compare A B
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/connection.h"
#include "cli/exit_codes.h"
#include "cli/output_path.h"
#include "cli/show.h"
#include "controller/report/compare.h"
#include "controller/report/read_report.h"
#include "controller/report/verify.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"

namespace panshi::cli {
namespace {

// A regular file is replaced whole, at the end of links; devices and pipes are written into.
Status write_out(const std::filesystem::path& given, const std::string& document) {
  namespace fs = std::filesystem;
  if (given.empty()) return fail(ErrorCode::kInvalid, "--out wants a file");
  std::error_code error;
  const fs::path file = fs::exists(given, error) ? fs::canonical(given, error) : given;
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, error)) {
    return fail(ErrorCode::kNotFound, cat("there is no folder ", folder.string()));
  }
  if (fs::is_directory(file, error)) {
    return fail(ErrorCode::kInvalid, cat(given.string(), " is a folder"));
  }
  if (!fs::exists(file, error) || fs::is_regular_file(file, error)) {
    if (auto meant = check_output_path(given); !meant) return meant;
    return write_file_durably(file, document);
  }
  std::ofstream out(file);
  out << document << std::flush;
  if (out) return {};
  return fail(ErrorCode::kInternal, cat("write ", given.string(), ": it could not take it all"));
}

int save(Invocation& invocation, const std::string& document) {
  const std::string file = invocation.text("--out");
  if (file == "-") {
    invocation.terminal.raw(document);
    return kPass;
  }
  if (Status written = write_out(file, document); !written)
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
    const auto document = controller.get_text(
        cat("/api/v1/reports/", percent_encoded(i.text("drill")), "?format=", format));
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

// The journal's events from the drill's first to the last that the record is about, whatever they
// belong to.
Result<std::vector<Event>> journal_of(Connection& controller, const controller::Report& report) {
  ASSIGN_OR_RETURN(const nlohmann::json first, controller.get(cat("/api/v1/events?limit=1&drill=",
                                                                  percent_encoded(report.drill))));
  if (list_of(first, "events").empty()) {
    return fail(ErrorCode::kNotFound,
                cat("the journal of ", controller.url(), " knows no drill ", report.drill));
  }
  std::int64_t next = first.at("events").at(0).at("seq").get<std::int64_t>() - 1;
  std::vector<Event> events;
  while (next < report.through_seq) {
    ASSIGN_OR_RETURN(const nlohmann::json page,
                     controller.get(cat("/api/v1/events?after=", next, "&limit=500")));
    for (const nlohmann::json& item : page.at("events")) {
      ASSIGN_OR_RETURN(Event event, event_from_json(item));
      if (event.seq <= report.through_seq) events.push_back(std::move(event));
    }
    const auto after = page.at("next").get<std::int64_t>();
    if (after <= next) break;
    next = after;
  }
  return events;
}

// Adds what the controller's samples say otherwise.
Status compare_with_samples(Invocation& invocation, Connection& controller,
                            const nlohmann::json& document, const std::string& drill,
                            controller::Verification& verification) {
  ASSIGN_OR_RETURN(const nlohmann::json fresh,
                   controller.get(cat("/api/v1/reports/", percent_encoded(drill), "?format=json")));
  ASSIGN_OR_RETURN(auto differences, controller::compare_with_samples(document, fresh));
  if (!differences) {
    invocation.terminal.error(
        "the controller keeps no samples of that time any more: the graphs "
        "are not compared");
    return {};
  }
  verification.numbers += list_of(document.at("record"), "signals").size();
  std::move(differences->begin(), differences->end(), std::back_inserter(verification.differences));
  return {};
}

// Adds what the controller's journal says otherwise.
Status compare_with_journal(Invocation& invocation, const nlohmann::json& document,
                            controller::Verification& verification) {
  ASSIGN_OR_RETURN(Connection controller, Connection::find(invocation));
  ASSIGN_OR_RETURN(const controller::Report report, controller::read_report(document));
  ASSIGN_OR_RETURN(const auto journal, journal_of(controller, report));
  ASSIGN_OR_RETURN(auto differences, controller::compare_with_journal(document, journal));
  verification.numbers += journal.size();
  std::move(differences.begin(), differences.end(), std::back_inserter(verification.differences));
  return compare_with_samples(invocation, controller, document, report.drill, verification);
}

int verify(Invocation& invocation) {
  const std::string file = invocation.text("file");
  std::error_code error;
  if (std::filesystem::exists(file, error) && !std::filesystem::is_regular_file(file, error)) {
    return report_error(invocation, {ErrorCode::kInvalid, file + " is not a regular file"});
  }
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

// A report's file in JSON, or else the id of a drill that the controller knows.
Result<controller::Report> find_report(Invocation& invocation, const std::string& name) {
  std::error_code error;
  std::string text;
  if (std::filesystem::is_regular_file(name, error)) {
    ASSIGN_OR_RETURN(text, read_file(name, 256 << 20));
  } else {
    ASSIGN_OR_RETURN(Connection controller, Connection::find(invocation));
    ASSIGN_OR_RETURN(
        text, controller.get_text(cat("/api/v1/reports/", percent_encoded(name), "?format=json")));
  }
  return parse_json(text, 256 << 20).and_then(controller::read_report);
}

int compare(Invocation& invocation) {
  const std::string format = invocation.text("--format", invocation.json ? "json" : "md");
  if (format != "md" && format != "html" && format != "json") {
    return report_error(invocation, {ErrorCode::kInvalid, "--format wants md, html or json"});
  }
  std::vector<controller::Report> both;
  for (const char* which : {"a", "b"}) {
    const std::string name = invocation.text(which);
    auto report = find_report(invocation, name);
    if (!report) {
      return report_error(invocation,
                          {report.error().code, cat(name, ": ", report.error().message)});
    }
    both.push_back(*std::move(report));
  }
  const std::string document =
      format == "md"     ? controller::compare_markdown(both[0], both[1])
      : format == "html" ? controller::compare_html(both[0], both[1])
                         : dump_json_pretty(controller::compare_json(both[0], both[1])) + "\n";
  if (invocation.has("--out")) return save(invocation, document);
  invocation.terminal.raw(document);
  return kPass;
}

}  // namespace

std::vector<Command> report_commands() {
  return {
      {"report",
       "",
       "Print the report of a drill.",
       "panshi report d-1 --format html --out retro.html",
       {{"drill", "DRILL", "id of the drill"},
        {"--format", "FORMAT", "md (default), html or json"},
        {"--out", "FILE", "write it there; -: to standard output"}},
       report},
      {"report",
       "verify",
       "Recompute every number of a JSON report from the events inside it.",
       "panshi report verify retro.json --journal",
       {{"file", "FILE", "a report in JSON", true},
        {"--journal", "",
         "compare events and samples with the controller's too: none changed, added or left out"}},
       verify},
      {"report",
       "compare",
       "Put two drills side by side: verdicts, phases, graphs with the same axes, ledgers.",
       "panshi report compare d-1 legacy/controller/reports/d-1.json --format html --out both.html",
       {{"a", "A", "id of a drill, or a report in JSON", true},
        {"b", "B", "the other", true},
        {"--format", "FORMAT", "md (default), html or json"},
        {"--out", "FILE", "write it there; -: to standard output"}},
       compare}};
}

}  // namespace panshi::cli
