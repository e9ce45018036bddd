// SPDX-License-Identifier: Apache-2.0
#include "controller/loop/audit_outcome.h"

#include <algorithm>

#include "core/base/text.h"

namespace panshi::controller {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kSaidMax = 1'000;  // bytes of what the program told people
constexpr std::size_t kCountsMax = 100;

const Json& in(const Json& object, const char* key) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}
std::string text_in(const Json& object, const char* key) {
  const Json& value = in(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

// "" when each count is what it must be; `is_wrong`: one is not, else one cannot be read.
std::string judge_counts(const Json& counts, bool& is_wrong) {
  if (counts.is_null()) return {};
  if (!counts.is_array() || counts.size() > kCountsMax) {
    return cat("`counts` must be a list of at most ", kCountsMax);
  }
  for (const Json& count : counts) {
    const std::string name = text_in(count, "name");
    const Json& value = in(count, "value");
    const Json& must_be = in(count, "must_be");
    if (name.empty() || !value.is_number_integer() ||
        !(must_be.is_null() || must_be.is_number_integer())) {
      return cat("a count is not {\"name\",\"value\",\"must_be\"}: ", count.dump().substr(0, 200));
    }
    if (must_be.is_null() || value == must_be) continue;
    is_wrong = true;
    return cat(name, " is ", value.dump(), ", must be ", must_be.dump());
  }
  return {};
}

bool is_texts(const Json& list) {
  return list.is_array() &&
         std::all_of(list.begin(), list.end(), [](const Json& one) { return one.is_string(); });
}

bool counts_have(const Json& audit, const std::string& name) {
  for (const Json& count : in(audit, "counts")) {
    if (text_in(count, "name") == name) return true;
  }
  return in(audit, name.c_str())
      .is_number_integer();  // as the shop's audit said it before `counts`
}

// "" when everything beside the counts can be read: what cannot be read might say anything.
std::string why_unreadable(const Json& audit) {
  for (const char* key : {"why", "not_checked"}) {
    const Json& list = in(audit, key);
    if (!list.is_null() && !is_texts(list)) return cat("`", key, "` must be a list of texts");
  }
  const Json& ids = in(audit, "ids");
  if (!ids.is_null() && !ids.is_object()) return "`ids` must be {\"NAME\": [text, …]}";
  for (const auto& [name, list] : ids.items()) {
    if (!is_texts(list)) return cat("`ids` of `", name, "` must be a list of texts");
    if (!counts_have(audit, name)) return cat("`ids` of `", name, "`: there is no such count");
  }
  const Json& conservation = in(audit, "conservation");
  const Json& ok = in(conservation, "ok");
  const Json& detail = in(conservation, "detail");
  const bool reads =
      conservation.is_null() || (conservation.contains("ok") && (ok.is_boolean() || ok.is_null()) &&
                                 (detail.is_string() || detail.is_null()));
  return reads ? "" : "`conservation` must be {\"ok\": true, false or null, \"detail\": text}";
}

// "" when nothing that a `valid` audit says of itself is against that.
std::string why_contradictory(const Json& audit) {
  const Json& conservation = in(audit, "conservation");
  if (in(conservation, "ok") == false) {
    const std::string detail = text_in(conservation, "detail");
    return cat("it says `valid`, and that its sums do not agree",
               detail.empty() ? "" : cat(": ", detail));
  }
  const Json& why = in(audit, "why");
  return why.empty() ? "" : "it says `valid`, and gives reasons why not";
}

}  // namespace

std::string said(const Json& result) {
  std::string text = text_in(result, "output");
  while (text.ends_with('\n')) text.pop_back();
  if (in(result, "output_json").is_structured()) {
    const std::size_t line = text.rfind('\n');
    text.erase(line == std::string::npos ? 0 : line);
  }
  if (text.size() <= kSaidMax) return text;
  std::size_t begin = text.size() - kSaidMax;
  while (begin < text.size() && (text[begin] & 0xC0) == 0x80) ++begin;  // no half of a character
  return cat("… ", text.substr(begin));
}

AuditOutcome read_audit(const Json& action) {
  const Json& result = in(action, "result");
  AuditOutcome outcome;
  outcome.audit = in(result, "output_json");
  if (!outcome.audit.is_object()) outcome.audit = Json::object();
  const std::string told = text_in(outcome.audit, "verdict");
  std::string why;
  const Json& code = in(result, "exit_code");
  const bool ended_well = text_in(action, "state") == "ok" && (code.is_null() || code == 0);
  if (!ended_well) {
    const std::string end = text_in(action, "error");
    why = cat("the audit program failed: ",
              !end.empty()     ? end
              : code.is_null() ? std::string("it did not end well")
                               : cat("ended with code ", code.dump()),
              told.empty() ? "" : cat("; it said `", told, "`, which is not believed"));
  } else if (told != "valid" && told != "invalid") {
    if (told != "unknown") why = "the audit program printed no verdict";
  } else if (told == "invalid") {
    outcome.verdict = told;
    why = why_unreadable(outcome.audit);
  } else {
    bool is_wrong = false;
    why = judge_counts(in(outcome.audit, "counts"), is_wrong);
    if (why.empty()) why = why_unreadable(outcome.audit);
    if (why.empty()) why = why_contradictory(outcome.audit);
    outcome.verdict = why.empty() ? told : is_wrong ? "invalid" : "unknown";
  }
  if (why.empty()) return outcome;
  Json list = Json::array({why});
  if (const std::string text = said(result); !text.empty()) list.push_back(cat("it wrote: ", text));
  if (const Json& own = in(outcome.audit, "why"); own.is_array()) {
    list.insert(list.end(), own.begin(), own.end());
  }
  outcome.audit["why"] = std::move(list);
  return outcome;
}

}  // namespace panshi::controller
