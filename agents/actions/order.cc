// SPDX-License-Identifier: Apache-2.0
#include "agents/actions/order.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "agents/limits.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/trusted_path.h"
#include "core/json/fields.h"
#include "core/model/script_variables.h"

namespace panshi::agent {
namespace {

using nlohmann::json;
using Texts = std::map<std::string, std::string>;

const std::vector<std::string> kKinds = {"start",   "stop",    "restart", "mark",    "script",
                                         "program", "reroute", "drain",   "undrain", "weights"};
const std::vector<std::string> kMarks = {"ok", "degraded"};
const std::vector<std::string> kEstablished = {"drain", "reset"};
const std::vector<std::string> kLinkVerbs = {"reroute", "drain", "undrain", "weights"};

bool is_of_link(const std::string& kind) {
  return std::find(kLinkVerbs.begin(), kLinkVerbs.end(), kind) != kLinkVerbs.end();
}

// An object of short texts; numbers and booleans are taken as they are written.
Texts read_texts(Fields& in, const char* key, std::size_t bytes_max) {
  Texts texts;
  const json* object = in.may_value(key);
  if (!object) return texts;
  if (!object->is_object() || object->size() > kScriptVariablesMax) {
    in.problem(key, cat("must be an object of at most ", kScriptVariablesMax, " texts"));
    return texts;
  }
  for (const auto& [name, value] : object->items()) {
    const bool plain = value.is_string() || value.is_number() || value.is_boolean();
    const std::string text = value.is_string() ? value.get<std::string>() : dump_json(value);
    if (!plain || text.size() > bytes_max || text.find('\0') != std::string::npos) {
      in.problem(cat(key, ".", name), cat("must be a text of at most ", bytes_max, " bytes"));
    }
    texts[name] = text;
  }
  return texts;
}

void read_environment(Fields& in, ActionOrder& order) {
  order.env = read_texts(in, "env", kScriptVariableBytesMax);
  for (const auto& [name, value] : order.env) {
    if (const std::string why = why_not_variable(name); !why.empty())
      in.problem(cat("env.", name), why);
  }
}

void read_weights(Fields& in, LinkOrder& order) {
  const json* weights = in.need_value("weights");
  if (!weights) return;
  if (!weights->is_object() || weights->empty()) {
    return in.problem("weights", "must be an object, `upstream: weight`");
  }
  for (const auto& [name, value] : weights->items()) {
    const bool fits = value.is_number_integer() && value >= 0 && value <= 1'000;
    if (!fits) in.problem(cat("weights.", name), "must be a number from 0 to 1000");
    order.weights[name] = fits ? value.get<int>() : 0;
  }
}

void read_link_order(Fields& in, const std::string& verb, LinkOrder& order) {
  using namespace std::chrono_literals;
  order.verb = verb;
  in.need("link", order.link);
  if (verb == "weights") return read_weights(in, order);
  in.need(verb == "reroute" ? "to" : "upstream", order.upstream);
  if (verb == "reroute") {
    std::string established = "drain";
    in.may_word("established", established, kEstablished);
    order.reset_established = established == "reset";
  } else if (verb == "drain") {
    order.within = 30s;
    in.may("within", order.within, {0s, 24h});
  }
}

void read_params(Fields& in, ActionOrder& order, Texts& arguments) {
  if (is_of_link(order.kind)) {
    read_link_order(in, order.kind, order.link);
  } else if (order.kind == "script") {
    in.need("name", order.name);
    read_environment(in, order);
  } else if (order.kind == "program") {
    in.need("name", order.name);
    arguments = read_texts(in, "args", limits::kArgumentMax);
  } else {
    in.need("service", order.service);
    if (order.kind == "mark") in.need_word("as", order.as, kMarks);
  }
  in.done();
}

tl::unexpected<Error> not_found(const char* what, const std::string& name,
                                const std::vector<std::string>& known) {
  return fail(ErrorCode::kNotFound,
              cat("no ", what, " `", name, "` on this node", did_you_mean(name, known),
                  "; there are: ", known.empty() ? "none" : join(known, ", ")));
}

template <class T>
std::vector<std::string> names_of(const std::vector<T>& items) {
  std::vector<std::string> names;
  for (const T& item : items) names.push_back(item.name);
  return names;
}

Status find_program(ActionOrder& order, const Texts& arguments, const AgentConfig& config) {
  const auto program = config.programs.find(order.name);
  if (program == config.programs.end()) {
    std::vector<std::string> known;
    for (const auto& [name, unused] : config.programs) known.push_back(name);
    return not_found("program", order.name, known);
  }
  ASSIGN_OR_RETURN(order.argv, fill_program(program->second, arguments));
  order.timeout = std::min(order.timeout, program->second.timeout);
  order.user = program->second.user;
  return {};
}

// The names behind `# panshi-env:` in the beginning of the script.
std::vector<std::string> declared_variables(const std::filesystem::path& script) {
  constexpr std::string_view kMark = "# panshi-env:";
  std::ifstream file(script);
  std::string head(limits::kScriptHeadMax, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  std::vector<std::string> names;
  for (const std::string& line : split(head, '\n')) {
    if (!line.starts_with(kMark)) continue;
    for (const std::string& name : split(line.substr(kMark.size()), ' ')) {
      if (!name.empty()) names.push_back(name);
    }
  }
  return names;
}

// A script is given what its author expects to be given, and nothing else.
Status check_declared(const ActionOrder& order, const std::filesystem::path& script) {
  const auto declared = declared_variables(script);
  Problems problems;
  for (const auto& [name, value] : order.env) {
    if (std::find(declared.begin(), declared.end(), name) != declared.end()) continue;
    problems.add(cat("params.env.", name),
                 cat("is not declared by script `", order.name, "`: a line `# panshi-env: ", name,
                     "` in its first ", limits::kScriptHeadMax, " bytes does",
                     did_you_mean(name, declared)));
  }
  return problems.empty() ? Status() : Status(tl::unexpected(problems.error()));
}

Status find_subject(ActionOrder& order, const Texts& arguments, const AgentConfig& config) {
  if (order.kind == "program") return find_program(order, arguments, config);
  if (order.kind == "script") {
    ASSIGN_OR_RETURN(const std::filesystem::path file, find_script(config.scripts, order.name));
    order.argv = {file.string()};
    order.user = config.scripts_user;
    return check_declared(order, file);
  }
  if (is_of_link(order.kind)) {
    const auto known = names_of(config.links);
    if (std::find(known.begin(), known.end(), order.link.link) != known.end()) return {};
    return not_found("link", order.link.link, known);
  }
  if (config.service(order.service)) return {};
  return not_found("service", order.service, names_of(config.services));
}

}  // namespace

Result<ActionOrder> ActionOrder::read(const json& body, const AgentConfig& config) {
  using std::chrono::milliseconds;
  Problems problems;
  Fields in(body, "", problems);
  ActionOrder order;
  Texts arguments;
  std::int64_t timeout_ms = 0;
  in.need_word("kind", order.kind, kKinds);
  in.need("timeout_ms", timeout_ms,
          {1, std::chrono::duration_cast<milliseconds>(limits::kActionTimeoutMax).count()});
  const json* params = in.need_value("params");
  if (params && !order.kind.empty()) {
    Fields inner(*params, "params", problems);
    read_params(inner, order, arguments);
  }
  in.done();
  if (!problems.empty()) return tl::unexpected(problems.error());
  order.timeout = milliseconds(timeout_ms);
  if (auto found = find_subject(order, arguments, config); !found) {
    return tl::unexpected(found.error());
  }
  return order;
}

Result<std::filesystem::path> find_script(const std::filesystem::path& scripts,
                                          const std::string& name) {
  const auto refused = [&](std::string_view why) {
    return fail(ErrorCode::kNotFound, cat("script `", name, "`: ", why));
  };
  if (scripts.empty()) return refused("this node has no script directory");
  if (!is_id(name)) return refused("must be the plain name of a file in the script directory");
  std::error_code error;
  const auto folder = std::filesystem::canonical(scripts, error);
  if (error) return refused(cat("script directory: ", error.message()));
  const auto file = std::filesystem::canonical(folder / name, error);
  if (error) return refused(error.message());
  if (file.parent_path() != folder) return refused("leads out of the script directory");
  if (!std::filesystem::is_regular_file(file, error)) return refused("is no regular file");
  if (::access(file.c_str(), X_OK) != 0) return refused("is not executable");
  if (auto trusted = check_trusted(file); !trusted) return refused(trusted.error().message);
  if (auto trusted = check_trusted_command({file}); !trusted) {
    return refused(trusted.error().message);  // what runs it
  }
  return file;
}

// To the audit of every drill; one that always judges all of the books need not take it.
constexpr std::string_view kOffered = "since_us";

Result<Argv> fill_program(const ProgramConfig& program, const Texts& arguments) {
  const std::vector<std::string> wanted = program_arguments(program);
  Problems problems;
  for (const std::string& name : wanted) {
    if (!arguments.contains(name)) problems.add(cat("params.args.", name), "is missing");
  }
  for (const auto& [name, value] : arguments) {
    if (std::find(wanted.begin(), wanted.end(), name) != wanted.end()) continue;
    if (name == kOffered) continue;
    problems.add(cat("params.args.", name),
                 cat("is no argument of this program", did_you_mean(name, wanted)));
  }
  if (!problems.empty()) return tl::unexpected(problems.error());

  Argv argv;
  for (const std::string& item : program.command) {
    std::string filled;
    std::size_t at = 0;
    while (at < item.size()) {
      const std::size_t close = item[at] == '{' ? item.find('}', at) : std::string::npos;
      const auto argument = close == std::string::npos
                                ? arguments.end()
                                : arguments.find(item.substr(at + 1, close - at - 1));
      if (argument == arguments.end()) {
        filled += item[at++];
      } else {
        filled += argument->second;  // not looked at again: braces in it are text
        at = close + 1;
      }
    }
    argv.push_back(std::move(filled));
  }
  return argv;
}

std::string pid_variable(const std::string& service) {
  std::string name = "PANSHI_PID_";
  for (const char c : service) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
  }
  return name;
}

}  // namespace panshi::agent
