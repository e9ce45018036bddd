// SPDX-License-Identifier: Apache-2.0
// The only user of CLI11.
#include "cli/parse.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <deque>
#include <iostream>
#include <map>
#include <set>

#include "cli/exit_codes.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/json/fields.h"
#include "core/model/check.h"

namespace panshi::cli {
namespace {

struct Bound {
  const Command* command = nullptr;
  CLI::App* app = nullptr;
  std::map<std::string, CLI::Option*> options;
};

// Decimal, and as it would be printed: nobody knows what 0x10 or 010 was meant to be.
std::string check_integer(const Argument& argument, const std::string& text) {
  const std::string_view digits = std::string_view(text).substr(text.starts_with("-") ? 1 : 0);
  const bool is_plain = !digits.empty() &&
                        digits.find_first_not_of("0123456789") == std::string_view::npos &&
                        (digits == "0" || !digits.starts_with("0"));
  if (!is_plain) return "`" + text + "` is not a whole number like 42";
  const Result<std::int64_t> value = parse_integer(text);
  if (value && *value >= argument.min && *value <= argument.max) return {};
  return cat("must be from ", argument.min, " to ", argument.max, ", not ", text);
}

// What stands in a path of the controller's API.
const std::set<std::string> kNameValues = {"ID", "NAME", "NODE"};

std::string check_word(const std::string& text, bool is_name) {
  if (text.empty()) return "is empty";
  if (!is_name || is_id(text)) return {};
  return cat("`", one_line(text),
             "` is not a name: letters, digits, `_`, `.` and `-`, 128 at most");
}

// Every command has these, so that scripts may put them anywhere.
std::vector<Argument> common() {
  return {{"--json", "", "print one JSON document on stdout"},
          {"--state", "DIR", "where the lab keeps its state (default: $PANSHI_STATE, ./.panshi)"},
          {"--controller", "URL",
           "address of the controller, or unix:FILE of one here (default: $PANSHI_CONTROLLER, the "
           "lab's)"},
          {"--token-file", "FILE", "its token (default: $PANSHI_TOKEN_FILE, the lab's)"},
          {"--authority", "FILE",
           "who signed its certificate, for https:// (default: $PANSHI_AUTHORITY)"},
          {"--certificate", "FILE",
           "yours, in place of a token, for https:// (default: $PANSHI_CERTIFICATE)"},
          {"--insecure", "", "send the token over http:// to another host, for all to read"},
          {"--key", "FILE", "the key of that (default: $PANSHI_KEY, or FILE with .key)"}};
}

void add(Bound& bound, const Argument& argument) {
  CLI::Option* option = nullptr;
  if (argument.value.empty()) {
    option = bound.app->add_flag(argument.name, argument.help);
  } else {
    option = bound.app->add_option(argument.name, argument.help);
    option->type_name(argument.value);
    if (argument.value == "N") {
      const auto check = [argument](const std::string& text) {
        return check_integer(argument, text);
      };
      option->check(CLI::Validator(check, "", "integer"));
    }
    option->expected(1);
    if (!argument.name.starts_with("-")) {
      const bool is_name = kNameValues.contains(argument.value);
      const auto check = [is_name](const std::string& text) { return check_word(text, is_name); };
      option->check(CLI::Validator(check, "", "empty"));
    }
    if (argument.many) {  // by name: once for each value; by position: all that follow
      option->take_all();
      option->allow_extra_args(!argument.name.starts_with("-"));
    }
  }
  if (argument.required) option->required();
  bound.options[argument.name] = option;
}

using Nouns = std::map<std::string, CLI::App*>;

Bound bind(CLI::App& root, Nouns& nouns, const Command& command) {
  Bound bound;
  bound.command = &command;
  CLI::App*& noun = nouns[command.noun];
  if (noun == nullptr) noun = root.add_subcommand(command.noun, "");
  bound.app = command.verb.empty() ? noun : noun->add_subcommand(command.verb, command.summary);
  bound.app->description(command.summary);
  bound.app->footer(cat("Example:\n  ", command.example, "\n\n", kExitCodesText));
  for (const Argument& argument : command.arguments) add(bound, argument);
  for (const Argument& argument : common()) add(bound, argument);
  return bound;
}

// A noun that is no command itself wants a verb and lists its own.
void describe_nouns(const Nouns& nouns, const std::vector<Command>& commands) {
  for (const auto& [name, noun] : nouns) {
    std::vector<std::string> verbs;
    bool alone = false;
    for (const Command& command : commands) {
      if (command.noun != name) continue;
      if (command.verb.empty())
        alone = true;
      else
        verbs.push_back(command.verb);
    }
    if (alone) continue;
    noun->require_subcommand(1);
    noun->description(join(verbs, " · "));
  }
}

// What is wrong with the words before the first option, if they name no command; else empty. The
// parser itself would only say that a subcommand is required.
std::string unknown_command(const std::vector<Command>& commands, int argc,
                            const char* const* argv) {
  const std::string typed_noun = argc > 1 ? argv[1] : "-";
  const std::string typed_verb = argc > 2 ? argv[2] : "-";
  if (typed_noun.starts_with("-")) {
    const bool is_known =
        argc == 1 || typed_noun == "--help" || typed_noun == "--version" || typed_noun == "-h";
    return is_known ? ""
                    : cat("`", typed_noun, "` comes after the command: panshi NOUN VERB ",
                          typed_noun, " …; `panshi --help` lists the commands");
  }
  std::vector<std::string> nouns;
  std::vector<std::string> verbs;
  for (const Command& command : commands) {
    nouns.push_back(command.noun);
    if (command.noun == typed_noun) verbs.push_back(command.verb);
  }
  nouns.erase(std::unique(nouns.begin(), nouns.end()), nouns.end());
  if (verbs.empty()) return unknown_name("command", typed_noun, nouns);
  const bool takes_arguments = std::find(verbs.begin(), verbs.end(), "") != verbs.end();
  if (argc == 2 && !takes_arguments) {
    return cat("panshi ", typed_noun, " needs one of: ", join(verbs, ", "));
  }
  if (takes_arguments || typed_verb.starts_with("-")) return {};
  if (std::find(verbs.begin(), verbs.end(), typed_verb) != verbs.end()) return {};
  return unknown_name(cat("verb of ", typed_noun), typed_verb, verbs);
}

// Says so as everything else is said: with --json, as a document too.
int misused(const std::string& mistake, int argc, const char* const* argv) {
  const bool json = std::any_of(argv, argv + argc,
                                [](const char* word) { return std::string("--json") == word; });
  if (json) std::cout << dump_json_pretty({{"error", mistake}}) << std::endl;
  std::cerr << "panshi: " << mistake << "\n";
  return kUsage;
}

// A noun and its verb are both `parsed`: the verb is meant. Null: none was named.
const Bound* chosen_of(const std::deque<Bound>& all) {
  const Bound* chosen = nullptr;
  for (const Bound& bound : all) {
    if (!bound.app->parsed()) continue;
    if (chosen == nullptr || !bound.command->verb.empty()) chosen = &bound;
  }
  return chosen;
}

// The parser's error as a person would say it, with the next thing to type.
std::string mistake_in(const CLI::ParseError& error, const CLI::App& root, const Bound* chosen) {
  if (chosen == nullptr) return cat(error.what(), "; `panshi --help` lists the commands");
  const Command& command = *chosen->command;
  const std::string typed =
      cat("panshi ", command.noun, command.verb.empty() ? "" : " ", command.verb);
  const std::string help = cat("; `", typed, " --help` shows an example");
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    std::string what = error.what();
    if (const auto end = what.find(" is required"); end != what.npos) what.resize(end);
    return cat(typed, " needs ", what, help);
  }
  const std::vector<std::string> extra = root.remaining(true);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr || extra.empty()) {
    return cat(error.what(), help);
  }
  if (!extra[0].starts_with('-')) return cat("`", extra[0], "` is one word too many", help);
  std::vector<std::string> options;
  for (const auto& [name, option] : chosen->options) {
    if (name.starts_with('-')) options.push_back(name);
  }
  return cat("unknown option `", extra[0], "`", did_you_mean(extra[0], options), help);
}

int run(const Bound& bound) {
  const bool json = bound.options.at("--json")->count() > 0;
  Terminal terminal(json);
  Invocation invocation{{}, json, terminal};
  for (const auto& [name, option] : bound.options) {
    if (option->count() > 0) invocation.values[name] = option->results();
  }
  return bound.command->run(invocation);
}

using Words = std::vector<const char*>;

// With what every command has behind the command, if it was typed before it.
Words command_first(Words words) {
  Words moved;
  while (words.size() > 1) {
    const std::string_view word = words[1];
    std::size_t taken = 0;
    for (const Argument& argument : common()) {
      const bool takes_value = !argument.value.empty();
      if (word == argument.name) taken = takes_value ? 2 : 1;
      if (takes_value && word.starts_with(argument.name + "=")) taken = 1;
    }
    if (taken == 0 || words.size() <= taken) break;
    const auto end = words.begin() + 1 + static_cast<std::ptrdiff_t>(taken);
    moved.insert(moved.end(), words.begin() + 1, end);
    words.erase(words.begin() + 1, end);
  }
  const auto only_positions = std::find(words.begin(), words.end(), std::string_view("--"));
  words.insert(only_positions, moved.begin(), moved.end());
  return words;
}

// `panshi help drill run` is `panshi drill run --help`.
Words help_last(Words words) {
  if (words.size() > 1 && words[1] == std::string_view("help")) {
    words.erase(words.begin() + 1);
    words.push_back("--help");
  }
  return words;
}

int parse_words(const std::vector<Command>& commands, int argc, const char* const* argv) {
  if (const std::string mistake = unknown_command(commands, argc, argv); !mistake.empty()) {
    return misused(mistake, argc, argv);
  }
  CLI::App root("Panshi breaks services on purpose, heals them, and proves that no order was lost.",
                "panshi");
  root.require_subcommand(1);
  root.footer(cat("panshi NOUN VERB --help shows an example of each.\n\n", kExitCodesText));
  root.set_version_flag("--version", "panshi 0.1.0");
  std::deque<Bound> all;
  Nouns nouns;
  for (const Command& command : commands) all.push_back(bind(root, nouns, command));
  describe_nouns(nouns, commands);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return root.exit(error, std::cout, std::cerr);  // --help
    return misused(mistake_in(error, root, chosen_of(all)), argc, argv);
  }
  const Bound* chosen = chosen_of(all);
  return chosen == nullptr ? kUsage : run(*chosen);
}

}  // namespace

// What nobody could read was not said: a full disk is no success.
int parse_and_run(const std::vector<Command>& commands, int argc, const char* const* argv) {
  const Words words = help_last(command_first(Words(argv, argv + argc)));
  const int status = parse_words(commands, static_cast<int>(words.size()), words.data());
  std::cout.flush();
  // Some lines were flushed long ago: what became of them is remembered.
  const bool told = std::cout.good() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (told || status != kPass) return status;
  std::fputs("panshi: the output could not be written\n", stderr);
  return kFail;
}

}  // namespace panshi::cli
