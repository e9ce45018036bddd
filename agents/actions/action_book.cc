// SPDX-License-Identifier: Apache-2.0
#include "agents/actions/action_book.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/log.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

// FNV-1a, not std::hash: it is kept on disk and must be the same in the next build of the agent.
std::uint64_t hash_of(const json& order) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : dump_json(order)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  }
  return hash;
}

json without_result(const std::string& id, const std::string& kind, const std::string& state,
                    const std::string& error, std::int64_t duration_us) {
  return {
      {"id", id}, {"kind", kind}, {"state", state}, {"error", error}, {"duration_us", duration_us}};
}

}  // namespace

Result<ActionBook> ActionBook::open(std::filesystem::path directory, std::size_t kept_max) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return fail(ErrorCode::kInternal, cat("create ", directory.string(), ": ", error.message()));
  }
  ActionBook book(std::move(directory), kept_max);
  for (const auto& file : std::filesystem::directory_iterator(book.directory_, error)) {
    if (file.path().extension() != ".json") continue;
    if (auto loaded = book.load(file.path()); !loaded) {
      log_warn(cat("actions: ", file.path().string(), ": ", loaded.error().message));
    }
  }
  book.forget_oldest();
  return book;
}

Status ActionBook::load(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string text, read_file(file));
  ASSIGN_OR_RETURN(const json record, parse_json(text));
  Problems problems;
  Fields in(record, "", problems);
  std::string id;
  std::string hash;
  std::int64_t number = 0;
  Entry entry;
  in.need("id", id);
  in.need("number", number, {1, INT64_MAX});
  in.need("kind", entry.kind);
  in.need("state", entry.state);
  in.may("error", entry.error);
  in.need("order", hash);
  in.need("duration_us", entry.duration_us);
  const json* result = in.need_value("result");
  const auto parsed = std::from_chars(hash.data(), hash.data() + hash.size(), entry.order_hash, 16);
  if (parsed.ec != std::errc()) in.problem("order", "must be a number in hex");
  if (!is_id(id)) in.problem("id", "is none");
  if (!problems.empty()) return tl::unexpected(problems.error());

  entry.number = static_cast<std::uint64_t>(number);
  if (entry.state == "running") {
    entry.state = "failed";
    entry.error = "agent restarted";
    if (auto saved = save(id, entry, *result); !saved) return saved;
  }
  last_number_ = std::max(last_number_, entry.number);
  entries_[id] = std::move(entry);
  return {};
}

Status ActionBook::begin(const std::string& id, const std::string& kind, const json& order) {
  CHECK_BUG(is_id(id) && !knows(id));
  Entry entry;
  entry.number = last_number_ + 1;
  entry.kind = kind;
  entry.state = "running";
  entry.order_hash = hash_of(order);
  if (auto saved = save(id, entry, json::object()); !saved) return fail(saved.error(), "record");
  ++last_number_;
  ++running_;
  entries_[id] = std::move(entry);
  forget_oldest();
  return {};
}

Status ActionBook::check_same(const std::string& id, const json& order) const {
  if (entries_.at(id).order_hash == hash_of(order)) return {};
  return fail(ErrorCode::kConflict, cat("action ", id, " was asked for with another body"));
}

Status ActionBook::finish(const std::string& id, const ActionEnd& end) {
  const auto found = entries_.find(id);
  CHECK_BUG(found != entries_.end() && found->second.state == "running");
  Entry& entry = found->second;
  entry.state = end.good ? "ok" : "failed";
  entry.error = end.error;
  entry.duration_us = end.took.count();
  --running_;
  return save(id, entry, end.result);
}

Result<json> ActionBook::get(const std::string& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return fail(ErrorCode::kNotFound, cat("no action ", id));
  const Entry& entry = found->second;
  json action = without_result(id, entry.kind, entry.state, entry.error, entry.duration_us);
  ASSIGN_OR_RETURN(const std::string text, read_file(directory_ / (id + ".json")));
  ASSIGN_OR_RETURN(const json record, parse_json(text));
  action["result"] = record.value("result", json::object());
  return action;
}

json ActionBook::list(std::size_t max) const {
  std::vector<std::map<std::string, Entry>::const_iterator> newest;
  for (auto it = entries_.begin(); it != entries_.end(); ++it) newest.push_back(it);
  std::sort(newest.begin(), newest.end(),
            [](const auto& a, const auto& b) { return a->second.number > b->second.number; });
  if (newest.size() > max) newest.resize(max);
  json actions = json::array();
  for (const auto& it : newest) {
    const Entry& entry = it->second;
    actions.push_back(
        without_result(it->first, entry.kind, entry.state, entry.error, entry.duration_us));
  }
  return actions;
}

Status ActionBook::save(const std::string& id, const Entry& entry, const json& result) const {
  json record = without_result(id, entry.kind, entry.state, entry.error, entry.duration_us);
  record["number"] = entry.number;
  record["order"] = hex16(entry.order_hash);
  record["result"] = result;
  return write_file_durably(directory_ / (id + ".json"), dump_json(record) + "\n", 0600);
}

void ActionBook::forget_oldest() {
  while (entries_.size() > kept_max_) {
    const auto oldest =
        std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
          const bool a_runs = a.second.state == "running";
          const bool b_runs = b.second.state == "running";
          return a_runs == b_runs ? a.second.number < b.second.number : b_runs;
        });
    if (oldest->second.state == "running") return;
    std::error_code ignored;  // found again, and forgotten again, at the next start
    std::filesystem::remove(directory_ / (oldest->first + ".json"), ignored);
    entries_.erase(oldest);
  }
}

}  // namespace panshi::agent
