// SPDX-License-Identifier: Apache-2.0
// panshi audit …: who did what at the controller or an agent, and whether the record of it is
// whole.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/access/audit_log.h"
#include "core/base/text.h"
#include "core/json/fields.h"

namespace panshi::cli {
namespace {

using Json = nlohmann::json;
using Lines = std::vector<std::string>;

Result<Lines> fetch(Invocation& i, Connection& controller, std::int64_t after) {
  Lines lines;
  const std::string node = i.text("--node");
  const std::string of = node.empty() ? "" : cat("&node=", percent_encoded(node));
  while (true) {
    ASSIGN_OR_RETURN(const Json page,
                     controller.get(cat("/api/v1/audit?after=", after, "&limit=1000", of)));
    const Json list = list_of(page, "lines");
    for (const Json& line : list) {
      if (line.is_string()) lines.push_back(line.get<std::string>());
    }
    i.terminal.status(cat("  ", lines.size(), " lines"));
    if (list.size() < 1000) return lines;
    const std::int64_t last = audit_number(lines.back());  // a page ends with a line of the log's
    if (last <= after) return lines;                       // it does not go on
    after = last;
  }
}

Result<Lines> lines_of_file(const std::string& file) {
  std::ifstream in(file);
  if (!in) return fail(ErrorCode::kNotFound, cat(file, ": cannot be read"));
  if (std::filesystem::is_directory(file)) {
    return fail(ErrorCode::kInvalid, cat(file, ": is a folder; name the file audit.log in it"));
  }
  if (in.peek() == std::ifstream::traits_type::eof()) {
    return fail(ErrorCode::kInvalid, cat(file, ": is not an audit log: there is nothing in it"));
  }
  Lines lines;
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  return lines;
}

int say_verified(Invocation& i, const Lines& lines) {
  AuditVerifier verifier;
  if (i.has("--head")) verifier.look_for(i.text("--head"));
  for (const std::string& line : lines) verifier.take(line);
  std::vector<std::string> problems = verifier.problems();
  if (i.has("--head") && !verifier.found()) {
    problems.push_back(cat("the head ", i.text("--head"),
                           " is at no line of it: its end was cut off, or it was written anew"));
  }
  if (verifier.lines() == 0) {
    problems.emplace_back("there is not a line in it: nobody changed anything, or it was removed");
  }
  const bool good = problems.empty();
  if (i.json) {
    i.terminal.document({{"ok", good},
                         {"lines", verifier.lines()},
                         {"first", verifier.first()},
                         {"last", verifier.last()},
                         {"head", verifier.head()},
                         {"problems", problems}});
    return good ? kPass : kFail;
  }
  for (const std::string& problem : problems) i.terminal.error(printable(problem));
  if (verifier.lines() > 0) {
    i.terminal.line(cat(verifier.lines(), " lines, numbers ", verifier.first(), " to ",
                        verifier.last(), good ? ", each follows the one before" : ""));
    if (verifier.first() > 1) {
      i.terminal.line(cat("lines 1 to ", verifier.first() - 1,
                          " are not here: older files are gone, or somebody cut them off"));
    }
    i.terminal.line(cat("head ", verifier.head(),
                        "; note it elsewhere, and a later `panshi audit "
                        "verify --head` sees a cut end, too"));
  }
  return good ? kPass : kFail;
}

// "812:" and 64 hex digits, as verify prints it.
bool is_head(const std::string& text) {
  const auto colon = text.find(':');
  const auto digits = [](std::string_view part, std::string_view allowed) {
    return !part.empty() && part.find_first_not_of(allowed) == std::string_view::npos;
  };
  const std::string_view all = text;
  return colon != std::string::npos && digits(all.substr(0, colon), "0123456789") &&
         all.size() == colon + 65 && digits(all.substr(colon + 1), "0123456789abcdef");
}

int verify(Invocation& invocation) {
  if (invocation.has("--head") && !is_head(invocation.text("--head"))) {
    return report_error(invocation,
                        {ErrorCode::kInvalid,
                         "--head wants NUMBER:HASH with its 64 digits, as `panshi audit verify` "
                         "printed it"});
  }
  if (invocation.has("--file")) {
    const auto lines = lines_of_file(invocation.text("--file"));
    return lines ? say_verified(invocation, *lines) : report_error(invocation, lines.error());
  }
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto lines = fetch(i, controller, 0);
    return lines ? say_verified(i, *lines) : report_error(i, lines.error());
  });
}

int export_lines(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto lines = fetch(i, controller, i.integer("--after").value_or(0));
    if (!lines) return report_error(i, lines.error());
    for (const std::string& line : *lines) {
      // What is no line of a log is a text in JSON: it makes no second line, and steers nothing.
      const bool is_line = audit_number(line) != 0 && line.find('\n') == std::string::npos;
      i.terminal.raw(printable_json(is_line ? line : dump_json(line)) + "\n");
    }
    return kPass;
  });
}

// As much as a row has room for; --json and export have it whole.
std::string body_of(const Json& line) {
  constexpr std::size_t kShown = 60;
  if (!line.is_object() || !line.contains("body") || line["body"].empty()) return {};
  const std::string text = one_line(dump_json(line["body"]));
  return text.size() <= kShown ? text : printable(text.substr(0, kShown)) + "…";
}

int show(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    const auto lines = fetch(i, controller, i.integer("--after").value_or(0));
    if (!lines) return report_error(i, lines.error());
    std::vector<std::vector<std::string>> rows = {
        {"N", "WHEN (UTC)", "WHO", "FROM", "WHAT", "BODY", "REFUSED"}};
    Json list = Json::array();
    const std::size_t wanted = static_cast<std::size_t>(i.integer("--last").value_or(50));
    for (std::size_t k = lines->size() > wanted ? lines->size() - wanted : 0; k < lines->size();
         ++k) {
      const auto line = parse_json((*lines)[k]);
      if (!line) continue;
      list.push_back(*line);
      rows.push_back({field(*line, "n"), time_field(*line, "at_us"), field(*line, "who"),
                      field(*line, "from"), field(*line, "what"), body_of(*line),
                      field(*line, "refused")});
    }
    if (i.json) return i.terminal.document({{"lines", list}}), kPass;
    i.terminal.line(rows.size() == 1 ? "nothing was changed or refused yet"
                                     : printable(table(rows)));
    return kPass;
  });
}

const Argument kNode = {"--node", "NODE",
                        "the log of that node's agent (default: the controller's)"};
const Argument kAfter = {"--after", "N", "lines after this number", false, false, 0};

}  // namespace

std::vector<Command> audit_commands() {
  return {{"audit",
           "show",
           "Show who changed what, and who was refused: the last lines of the audit log.",
           "panshi audit show --node n-1",
           {kNode, kAfter, {"--last", "N", "how many (default: 50)", false, false, 1, 100'000}},
           show},
          {"audit",
           "verify",
           "Look whether a line of the audit log was changed, removed or put in.",
           "panshi audit verify --head $(cat noted.head)",
           {kNode,
            {"--file", "FILE", "of an exported or copied log; needs no controller"},
            {"--head", "N:HASH", "what an earlier verify printed; it must be in the log still"}},
           verify},
          {"audit",
           "export",
           "Print the audit log, a line of JSON each.",
           "panshi audit export --node n-1 > n-1.audit",
           {kNode, kAfter},
           export_lines}};
}

}  // namespace panshi::cli
