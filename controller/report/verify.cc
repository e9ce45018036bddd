// SPDX-License-Identifier: Apache-2.0
#include "controller/report/verify.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "controller/events/event_data.h"
#include "controller/report/read_report.h"
#include "core/base/text.h"

namespace panshi::controller {
namespace {

using Json = nlohmann::json;

// Every leaf by its JSON pointer; an empty list or object is a leaf too.
std::map<std::string, Json> leaves(const Json& document) {
  std::map<std::string, Json> found;
  const Json flat = document.flatten();
  for (const auto& [path, value] : flat.items()) found.emplace(path, value);
  return found;
}

void compare(const Json& reported, const Json& recomputed, Verification& into) {
  const std::map<std::string, Json> old_leaves = leaves(reported);
  const std::map<std::string, Json> new_leaves = leaves(recomputed);
  for (const auto& [path, value] : new_leaves) {
    ++into.numbers;
    const auto found = old_leaves.find(path);
    const Json before = found == old_leaves.end() ? Json() : found->second;
    if (found == old_leaves.end() || before != value) {
      into.differences.push_back({path, before, value});
    }
  }
  for (const auto& [path, value] : old_leaves) {
    if (!new_leaves.contains(path)) into.differences.push_back({path, value, Json()});
  }
}

bool has_digit(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

// A sentence with a number must cite events, and only such as are in the record.
void check_cites(const Json& report, const char* section, const std::set<std::int64_t>& seqs,
                 Verification& into) {
  const Json& list = value_of(report, section);
  for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
    const Json& cites = value_of(list[i], "cites");
    const std::string path = cat("/", section, "/", i, "/cites");
    if (has_digit(text_of(list[i], "text")) && (!cites.is_array() || cites.empty())) {
      into.differences.push_back({path, cites, "a sentence with a number cites no event"});
    }
    for (const Json& cite : cites.is_array() ? cites : Json::array()) {
      if (cite.is_number_integer() && seqs.contains(cite.get<std::int64_t>())) continue;
      into.differences.push_back({path, cite, "no such event in the record"});
    }
  }
}

}  // namespace

Result<Verification> verify_report(const Json& report) {
  ASSIGN_OR_RETURN(const Report read, read_report(report));
  Json recomputed = report_json(read);
  Json reported = report;
  recomputed.erase("record");
  reported.erase("record");
  Verification verification;
  compare(reported, recomputed, verification);
  std::set<std::int64_t> seqs;
  for (const Event& event : read.events) seqs.insert(event.seq);
  for (const char* section : {"summary", "why", "refusals", "went_well", "went_badly"}) {
    check_cites(report, section, seqs, verification);
  }
  return verification;
}

Result<std::vector<Difference>> compare_with_journal(const Json& report,
                                                     const std::vector<Event>& journal) {
  ASSIGN_OR_RETURN(const Report read, read_report(report));
  std::map<std::int64_t, const Event*> known;
  for (const Event& event : journal) known[event.seq] = &event;
  std::vector<Difference> differences;
  std::set<std::int64_t> in_record;
  for (const Event& event : read.events) {
    if (in_record.insert(event.seq).second) continue;
    differences.push_back({cat("/record/events/seq ", event.seq), "it is there twice", "once"});
  }
  for (const Event& event : events_of_report(journal, read.drill)) {
    if (event.seq > read.through_seq || in_record.contains(event.seq)) continue;
    differences.push_back({cat("/record/events/seq ", event.seq), Json(), to_json(event)});
  }
  for (const Event& event : read.events) {
    const Json reported = to_json(event);
    const auto found = known.find(event.seq);
    const Json recorded = found == known.end() ? Json() : to_json(*found->second);
    if (reported != recorded) {
      differences.push_back({cat("/record/events/seq ", event.seq), reported, recorded});
    }
  }
  return differences;
}

}  // namespace panshi::controller
