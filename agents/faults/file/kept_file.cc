// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/file/kept_file.h"

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWhyMax = 64 << 10;
constexpr std::size_t kRecordMax = 16 << 20;  // a list of bits
constexpr const char* kRecord = "record";
constexpr const char* kOriginal = "original";
constexpr const char* kSum = "sum";
constexpr const char* kBroken = "broken";
constexpr const char* kMended = "mended";
constexpr const char* kWhy = "why";

}  // namespace

Status KeptFile::write(const char* name, const std::string& content) const {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return fail(ErrorCode::kInternal, cat(folder_.string(), ": ", error.message()));
  return write_file_durably(folder_ / name, content, 0600);
}

Status KeptFile::note(const FaultRequest& request, const nlohmann::json& resolved) const {
  const FaultKindSpec* kind = find_fault_kind(request.kind);
  const nlohmann::json record = {{"kind", request.kind},
                                 {"target", {{request.target_key, request.target}}},
                                 {"params", fault_params_json(*kind, request.params)},
                                 {"resolved", resolved}};
  return write(kRecord, dump_json(record) + "\n");
}

nlohmann::json KeptFile::record() const {
  const auto text = read_file(folder_ / kRecord, kRecordMax);
  if (!text) return nullptr;
  const auto record = parse_json(*text, kRecordMax);
  return record && record->is_object() ? *record : nlohmann::json();
}

Status KeptFile::keep(const std::string& content) const {
  if (auto kept = write(kOriginal, content); !kept) return kept;
  return write(kSum, hex16(fnv1a(content)));
}

Status KeptFile::mark_broken() const { return write_file_durably(folder_ / kBroken, "", 0600); }

Status KeptFile::mark_mended() const { return write(kMended, ""); }

bool KeptFile::is_mended() const {
  std::error_code error;
  return fs::exists(folder_ / kMended, error);
}

bool KeptFile::is_broken() const {
  std::error_code error;
  return fs::exists(folder_ / kBroken, error);
}

Result<std::string> KeptFile::original() const {
  ASSIGN_OR_RETURN(std::string content, read_file(path(), kSizeMax));
  if (read_file(folder_ / kSum, kWhyMax).value_or("") == hex16(fnv1a(content))) return content;
  return fail(ErrorCode::kInvalid, cat(path().string(), " is not as it was kept"));
}

Status KeptFile::remove() const {
  std::error_code error;
  fs::remove_all(folder_, error);
  return error ? Status(fail(ErrorCode::kInternal, cat(folder_.string(), ": ", error.message())))
               : Status();
}

Status KeptFile::leave(const std::string& why) const { return write(kWhy, why); }

fs::path KeptFile::path() const { return folder_ / kOriginal; }

std::string KeptFile::why_left() const { return read_file(folder_ / kWhy, kWhyMax).value_or(""); }

std::vector<std::string> KeptFile::faults(const fs::path& folder) {
  std::vector<std::string> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string fault = entry.path().filename().string();
    if (!KeptFile(folder, fault).is_mended()) all.push_back(fault);
  }
  return all;
}

void KeptFile::sweep(const fs::path& folder,
                     const std::function<bool(const std::string&)>& has_undo_record) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const KeptFile kept(folder, entry.path().filename().string());
    if (kept.is_mended() && !has_undo_record(entry.path().filename().string())) (void)kept.remove();
  }
}

}  // namespace panshi::agent
