// SPDX-License-Identifier: Apache-2.0
// panshi token …: tokens of people and programs, each with a role and an end.
#include <filesystem>

#include "cli/exit_codes.h"
#include "cli/output_path.h"
#include "cli/show.h"
#include "core/access/rights.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi::cli {
namespace {

using Json = nlohmann::json;

std::vector<std::string> texts_of(const Json& object, const char* key) {
  std::vector<std::string> texts;
  for (const Json& item : list_of(object, key)) {
    if (item.is_string()) texts.push_back(item.get<std::string>());
  }
  return texts;
}

// The token is told once. Into a file of its owner's, or onto the terminal.
int say_made(Invocation& i, const Json& made) {
  const std::string token = field(made, "token");
  if (i.has("--out")) {
    if (auto kept = write_file_durably(i.text("--out"), token + "\n", 0600); !kept) {
      return report_error(i, kept.error());
    }
  }
  if (i.json) {
    Json shown = made;
    if (i.has("--out")) shown.erase("token");
    i.terminal.document(shown);
    return kPass;
  }
  i.terminal.line(cat(field(made, "name"), " may ", join(texts_of(made, "rights"), ", "), " until ",
                      time_field(made, "until_us"), " (UTC)"));
  if (i.has("--out")) {
    i.terminal.line(
        cat("the token is in ", i.text("--out"), ": PANSHI_TOKEN_FILE=", i.text("--out")));
  } else {
    i.terminal.line(cat("its token, which is not told again: ", token));
  }
  return kPass;
}

Status can_keep(const std::string& file) {
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    return fail(ErrorCode::kInvalid,
                cat("--out ", file, ": is there already; remove it, or name another one"));
  }
  if (auto meant = check_output_path(file); !meant) return fail(meant.error(), "--out");
  if (auto kept = write_file_durably(file, "", 0600); !kept) {
    return fail(kept.error(), cat("--out ", file));
  }
  return {};
}

int create(Invocation& invocation) {
  return with_controller(invocation, [](Invocation& i, Connection& controller) {
    if (i.has("--for")) {
      if (auto term = parse_duration(i.text("--for")); !term)
        return report_error(i, {ErrorCode::kInvalid, cat("--for: ", term.error().message)});
    }
    // First: a token that cannot be kept must not be there.
    if (i.has("--out")) {
      if (auto kept = can_keep(i.text("--out")); !kept) return report_error(i, kept.error());
    }
    Json body = {{"name", i.text("name")}, {"role", i.text("--role")}};
    if (i.has("--only")) body["only"] = i.texts("--only");
    if (i.has("--for")) body["valid"] = i.text("--for");
    const auto made = controller.post("/api/v1/tokens", body);
    if (!made && i.has("--out")) (void)remove_file_durably(i.text("--out"));
    if (!made) return report_error(i, made.error());
    return say_made(i, *made);
  });
}

int list(Invocation& invocation) {
  return show_list(
      invocation, "/api/v1/tokens", "tokens",
      {{"name", "name"},
       {"role", "role"},
       {"rights", "rights",
        [](const Json& token) { return join(texts_of(token, "rights"), ", "); }},
       {"until (UTC)", "until_us", [](const Json& token) { return time_field(token, "until_us"); }},
       {"made by", "made_by"}},
      "there are no tokens but the controller's own (controller.token)");
}

int revoke(Invocation& invocation) {
  const std::string path =
      cat("/api/v1/tokens/", percent_encoded(invocation.text("name")), "/revoke");
  return act(invocation, path, Json::object(), [&](const Json& answer) {
    return cat(field(answer, "name"), " is revoked: nobody gets in with it from now on");
  });
}

std::string roles_text() {
  std::vector<std::string> rows;
  for (const RoleRow& row : role_rows()) rows.push_back(row.name);
  return join(rows, ", ");
}

}  // namespace

std::vector<Command> token_commands() {
  return {
      {"token",
       "create",
       "Make a token for a person or a program, with a role and an end.",
       "panshi token create ci --role operator --for 30d --out ci.token",
       {{"name", "NAME", "whose it is: letters, digits, _ and -", true},
        {"--role", "ROLE", roles_text(), true},
        {"--only", "RIGHT", "of the role's rights this one alone; may be repeated", false, true},
        {"--for", "TIME", "how long it is good (default: 90d)"},
        {"--out", "FILE", "write the token there (mode 0600), and not onto the terminal"}},
       create},
      {"token", "list", "List the tokens, without their secrets.", "panshi token list", {}, list},
      {"token",
       "revoke",
       "Have a token refused from now on.",
       "panshi token revoke ci",
       {{"name", "NAME", "as `panshi token list` shows it", true}},
       revoke}};
}

}  // namespace panshi::cli
