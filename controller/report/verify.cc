// SPDX-License-Identifier: Apache-2.0
#include "controller/report/verify.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "controller/events/event_data.h"
#include "controller/report/event_json.h"
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

// In place of what one side lacks: null, unless that is what the other has.
Json absent(const Json& other) { return other.is_null() ? Json("(not there)") : Json(); }

void compare(const Json& reported, const Json& recomputed, Verification& into) {
  const std::map<std::string, Json> old_leaves = leaves(reported);
  const std::map<std::string, Json> new_leaves = leaves(recomputed);
  for (const auto& [path, value] : new_leaves) {
    ++into.numbers;
    const auto found = old_leaves.find(path);
    const Json before = found == old_leaves.end() ? absent(value) : found->second;
    if (found == old_leaves.end() || before != value) {
      into.differences.push_back({path, before, value});
    }
  }
  for (const auto& [path, value] : old_leaves) {
    if (!new_leaves.contains(path)) into.differences.push_back({path, value, absent(value)});
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

// What the record says of itself: up to which event it goes, and samples of times that it can have.
void check_record(const Json& report, const Report& read, Verification& into) {
  const std::int64_t last = read.events.empty() ? 0 : read.events.back().seq;
  if (read.through_seq != last) {
    into.differences.push_back({"/record/through_seq", read.through_seq, last});
  }
  const SampleSpan span = sample_span(read.events);
  std::set<std::pair<std::string, std::string>> seen;
  const Json& list = value_of(value_of(report, "record"), "signals");
  for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
    const Result<SignalSeries> series = read_series(list[i]);  // read_report has read it
    const std::string path = cat("/record/signals/", i);
    if (!seen.emplace(series->signal, series->node).second) {
      into.differences.push_back({path, "it is there twice", "once"});
    }
    for (std::size_t j = 0; j < series->samples.size(); ++j) {
      const WallTime at = series->samples[j].first;
      const bool rises = j == 0 || series->samples[j - 1].first < at;
      if (rises && span.has(*series, at)) continue;
      into.differences.push_back(
          {cat(path, "/samples/", j), to_us(at),
           rises ? "no time of this report" : "later than the sample before it"});
      break;  // one says it: a series has thousands
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
  check_record(report, read, verification);
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
  if (!known.contains(read.through_seq)) {
    differences.push_back({"/record/through_seq", read.through_seq, "no such event"});
  }
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

namespace {

using Samples = std::vector<std::pair<std::int64_t, double>>;

std::map<std::string, Samples> samples_of(const Report& report) {
  std::map<std::string, Samples> all;
  for (const SignalSeries& series : report.series) {
    if (series.samples.empty()) continue;
    Samples& samples = all[cat(series.signal, " of ", series.node)];
    for (const auto& [at, value] : series.samples) samples.emplace_back(to_us(at), value);
  }
  return all;
}

// What was not there yet when a drill that went on was looked at: later samples, other series.
void leave_later_out(const std::map<std::string, Samples>& ours,
                     std::map<std::string, Samples>& theirs) {
  std::erase_if(theirs, [&](const auto& one) { return !ours.contains(one.first); });
  for (auto& [name, samples] : theirs) {
    const std::int64_t last = ours.at(name).back().first;
    std::erase_if(samples, [last](const auto& sample) { return sample.first > last; });
  }
}

// From the first sample that differs on, three of them: a picture has thousands.
Json excerpt(const Samples& samples, std::size_t from) {
  Json some = Json::array();
  for (std::size_t i = from; i < samples.size() && i < from + 3; ++i) {
    some.push_back({samples[i].first, samples[i].second});
  }
  return {{"samples", samples.size()}, {"from", some}};
}

}  // namespace

Result<std::optional<std::vector<Difference>>> compare_with_samples(const Json& report,
                                                                    const Json& fresh) {
  ASSIGN_OR_RETURN(const Report written, read_report(report));
  ASSIGN_OR_RETURN(const Report kept, read_report(fresh));
  auto ours = samples_of(written);
  auto theirs = samples_of(kept);
  if (theirs.empty()) return std::optional<std::vector<Difference>>();
  if (!written.ended) leave_later_out(ours, theirs);
  std::set<std::string> names;
  for (const auto* one : {&ours, &theirs}) {
    for (const auto& [name, samples] : *one) names.insert(name);
  }
  std::vector<Difference> differences;
  for (const std::string& name : names) {
    const Samples& a = ours[name];
    const Samples& b = theirs[name];
    if (a == b) continue;
    const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
    const auto from = static_cast<std::size_t>(at);
    differences.push_back({cat("/record/signals/", name), excerpt(a, from), excerpt(b, from)});
  }
  return std::optional(std::move(differences));
}

}  // namespace panshi::controller
