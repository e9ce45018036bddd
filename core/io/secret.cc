// SPDX-License-Identifier: Apache-2.0
#include "core/io/secret.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/run_as.h"
#include "core/io/trusted_path.h"

namespace panshi {
Result<std::string> Secret::read() const {
  if (empty()) return std::string();
  ASSIGN_OR_RETURN(const std::string text, read_file(file_, kSecretMax));
  if (auto ours = check_trusted(file_); !ours) return tl::unexpected(ours.error());
  struct stat there {};
  if (::stat(file_.c_str(), &there) != 0 || (there.st_mode & 077) != 0) {
    return fail(ErrorCode::kRefused,
                cat(file_.string(), ": a secret that others may read: chmod 600 ", file_.string()));
  }
  std::string secret = text.substr(0, text.find_last_not_of("\r\n") + 1);
  const bool lines = secret.find('\n') != std::string::npos;
  if (secret.empty() || lines || secret.find('\0') != std::string::npos) {
    return fail(ErrorCode::kInvalid, cat(file_.string(),
                                         secret.empty() ? ": is empty"
                                         : lines        ? ": has several lines"
                                                        : ": has a zero byte",
                                         ", and should hold a secret in one line"));
  }
  never_show(secret);
  return secret;
}

void may_secret(Fields& in, const char* key, Secret& out) {
  const nlohmann::json* value = in.may_value(key);
  if (value == nullptr) return;
  if (!value->is_object()) {
    return in.problem(key, cat("stands in a file of its own: write `", key,
                               ": {secret: FILE}`, the file readable by its owner alone"));
  }
  std::string file;
  Fields fields(*value, in.path_of(key), in.problems());
  fields.need("secret", file);
  if (one_line(file) != file) fields.problem("secret", "has a control character");
  fields.done();
  out = Secret(file);
}

void may_secret(Fields& in, const char* key, std::string& out) {
  Secret secret;
  may_secret(in, key, secret);
  auto text = secret.read();
  if (!text) return in.problem(key, text.error().message);
  if (!secret.empty()) out = *std::move(text);
}

nlohmann::json json_without_secrets(const nlohmann::json& json, bool numbers) {
  if (json.is_string()) return without_secrets(json.get_ref<const std::string&>());
  if (json.is_number() && numbers && is_never_shown(json.dump())) return "(struck out)";
  if (json.is_array()) {
    nlohmann::json out = nlohmann::json::array();
    for (const nlohmann::json& item : json) out.push_back(json_without_secrets(item, numbers));
    return out;
  }
  if (!json.is_object()) return json;
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [key, value] : json.items())
    out[without_secrets(key)] = json_without_secrets(value, numbers);
  return out;
}

namespace {

// Behind the quote that ends the text in JSON whose first quote is at `at`.
std::size_t end_of_text(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return std::min(json.size(), at + 1);
}

// With its quotes.
std::string text_without_secrets(std::string_view quoted) {
  const auto parsed = nlohmann::json::parse(quoted, nullptr, false);
  if (!parsed.is_string()) return without_secrets(quoted);
  const auto& plain = parsed.get_ref<const std::string&>();
  const std::string safe = without_secrets(plain);
  return safe == plain ? std::string(quoted) : dump_json(safe);
}

}  // namespace

std::string json_text_without_secrets(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::string_view rest = json; !rest.empty();) {
    const auto begin = std::min(rest.find('"'), rest.size());
    const std::size_t end = begin == rest.size() ? begin : end_of_text(rest, begin);
    const std::string_view quoted = rest.substr(begin, end - begin);
    out += rest.substr(0, begin);
    out += quoted.size() < kSecretMin ? std::string(quoted) : text_without_secrets(quoted);
    rest.remove_prefix(end);
  }
  if (out == json) return out;
  // Two names that are struck out are one.
  const auto parsed = parse_json(json, json.size());
  return parsed ? dump_json(json_without_secrets(*parsed)) : out;
}

void may_tell(Fields& in, const std::string& host, bool in_clear, PasswordRules& rules) {
  std::string name;
  in.may("account", name);
  in.may("insecure", rules.insecure);
  if (!name.empty()) {
    const auto user = find_user_id(name);
    if (user) rules.accounts.insert(*user);
    if (!user) in.problem("account", user.error().message);
  }
  if (!in_clear || rules.insecure || may_be_here(host)) return;
  in.problem("password",
             cat("would go to ", host,
                 " in the clear, for whoever reads that network: ask by TLS where there is a key "
                 "`authority`, or write `insecure: true` next to it"));
}

}  // namespace panshi
