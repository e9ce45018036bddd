// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/file/damage.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <set>

#include "agents/faults/effect.h"
#include "agents/faults/file/found_file.h"
#include "agents/faults/file/kept_file.h"
#include "agents/faults/file/mending.h"
#include "agents/faults/node_target.h"
#include "core/base/random.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr int kKeepTriesMax = 5;

timespec time_from(const json& facts, const char* name) {
  return {.tv_sec = facts.at(name).at(0), .tv_nsec = facts.at(name).at(1)};
}

class FileDamage : public Fault {
 public:
  FileDamage(const FaultRequest& request, Host& host)
      : request_(request), host_(host), kept_(kept_folder(host), request.id) {}

  Result<json> resolve() final {
    if (auto ours = check_node(request_, host_); !ours) return tl::unexpected<Error>(ours.error());
    ASSIGN_OR_RETURN(const auto path, allowed_path(request_.text("path"), host_));
    ASSIGN_OR_RETURN(const FoundFile file, FoundFile::open(path));
    ASSIGN_OR_RETURN(const struct stat facts, file.facts());
    if (facts.st_nlink != 1) {  // its other names may be anywhere, and anybody's
      return fail(ErrorCode::kRefused,
                  cat(path.string(), " has ", facts.st_nlink, " names (hard links)"));
    }
    json resolved = {{"path", path.string()},
                     {"identity", file.identity()},
                     {"size", facts.st_size},
                     {"mode", facts.st_mode & 07777},
                     {"read_at", {facts.st_atim.tv_sec, facts.st_atim.tv_nsec}},
                     {"written_at", {facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec}},
                     {"changed_at", {facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec}}};
    if (auto planned = plan(resolved); !planned) return tl::unexpected<Error>(planned.error());
    return resolved;
  }

  Status apply(const json& resolved) final {
    ASSIGN_OR_RETURN(const FoundFile file, find(resolved));
    if (auto noted = kept_.note(request_, resolved); !noted) return noted;
    return damage(resolved, file);
  }

  // Where the file is by now, under whatever name.
  Status revert(const json& resolved) final {
    if (!kept_.why_left().empty() || kept_.is_mended()) return {};
    const auto file = find(resolved);
    if (file) return mend(resolved, *file);
    const ErrorCode code = file.error().code;
    if (code != ErrorCode::kNotFound && code != ErrorCode::kUnavailable) {
      return tl::unexpected<Error>(file.error());
    }
    return lost(resolved, file.error());
  }

  std::string left(const json&) const final { return kept_.why_left(); }
  void forget() const final {
    if (kept_.is_mended()) (void)kept_.remove();  // else the next start does it
  }

  json measure(const json& resolved) const final {
    json measured;
    const auto file = find(resolved);
    Effect seen = effect(resolved, file ? &*file : nullptr);
    add_effect(measured, seen);
    return measured;
  }

 protected:
  virtual Status plan(json&) const { return {}; }
  virtual Status damage(const json& resolved, const FoundFile& file) const = 0;
  virtual Status mend(const json& resolved, const FoundFile& file) const = 0;
  // It was removed (kNotFound), or is not found (kUnavailable).
  virtual Status lost(const json& resolved, const Error& why) const = 0;
  virtual Effect effect(const json& resolved, const FoundFile* file) const = 0;  // null: gone

  static Result<FoundFile> find(const json& resolved) {
    return FoundFile::find(resolved.at("path").get<std::string>(), resolved.at("identity"));
  }

  const FaultRequest request_;
  Host& host_;
  const KeptFile kept_;
};

class Permission final : public FileDamage {
 public:
  using FileDamage::FileDamage;

 protected:
  Status damage(const json&, const FoundFile& file) const override { return file.set_mode(0); }

  // Permissions that somebody has given it since are newer than ours.
  Status mend(const json& resolved, const FoundFile& file) const override {
    ASSIGN_OR_RETURN(const struct stat facts, file.facts());
    if ((facts.st_mode & 07777) == 0) {
      if (auto set = file.set_mode(resolved.at("mode")); !set) return set;
    }
    return kept_.remove();
  }

  Status lost(const json& resolved, const Error& why) const override {
    if (why.code == ErrorCode::kNotFound) return kept_.remove();
    const auto mode = resolved.at("mode").get<unsigned>();
    std::array<char, 8> octal{};
    std::snprintf(octal.data(), octal.size(), "%04o", mode);
    return kept_.leave(cat(why.message, "; where it is, `chmod ", octal.data(), "` is missing"));
  }

  Effect effect(const json&, const FoundFile* file) const override {
    const auto facts = file ? file->facts() : Result<struct stat>(fail(ErrorCode::kNotFound, ""));
    return {.what = "permission bits",
            .unit = "",
            .asked = 0,
            .measured = facts ? std::popcount(facts->st_mode & 07777U) : 0.0};
  }
};

// Of what changes content a copy is kept.
class ContentDamage : public FileDamage {
 public:
  using FileDamage::FileDamage;

 protected:
  Status damage(const json& resolved, const FoundFile& file) const final {
    ASSIGN_OR_RETURN(const std::string content, keep(resolved, file));
    ASSIGN_OR_RETURN(FileWriter writer, FileWriter::open(file));
    if (auto broken = break_it(resolved, content, writer); !broken) return broken;
    if (auto finished = writer.finish(); !finished) return finished;
    return kept_.mark_broken();
  }

  Status mend(const json& resolved, const FoundFile& file) const final {
    const auto original = kept_.original();
    if (!original) return without_original(resolved, file, original.error());
    ASSIGN_OR_RETURN(const std::string now, file.read(0, original->size()));
    ASSIGN_OR_RETURN(const struct stat facts, file.facts());
    const Mending mending = mending_of(resolved, *original, now, {facts.st_size, file});
    ASSIGN_OR_RETURN(const std::string why, write(resolved, mending, original->size(), file));
    const std::string all = join_reasons(mending.why, why);
    return all.empty() ? kept_.mark_mended() : leave(resolved, all);
  }

  Status lost(const json& resolved, const Error& why) const final {
    const bool none = !kept_.original() && why.code == ErrorCode::kNotFound;
    return none ? kept_.remove() : leave(resolved, why.message);
  }

  virtual Status break_it(const json& resolved, const std::string& content,
                          FileWriter& writer) const = 0;
  struct Whole {  // the file as it is, of which `now` is the beginning
    std::int64_t size;
    const FoundFile& file;
  };
  virtual Mending mending_of(const json& resolved, const std::string& original,
                             const std::string& now, const Whole& whole) const = 0;

  Status plan(json& resolved) const final {
    const auto size = resolved.at("size").get<std::int64_t>();
    if (size < 1 || size > KeptFile::kSizeMax) {
      return fail(ErrorCode::kRefused,
                  cat(request_.text("path"), " has ", size, " bytes; from 1 to ",
                      KeptFile::kSizeMax, " can be kept aside"));
    }
    plan_content(resolved);
    return {};
  }
  virtual void plan_content(json& resolved) const = 0;

 private:
  // Before a byte is broken the original is kept: without it nothing was broken, or somebody has
  // removed or damaged it since. Whoever wrote to the file changed its time of change, which nobody
  // can set back.
  Status without_original(const json& resolved, const FoundFile& file, const Error& why) const {
    if (why.code != ErrorCode::kNotFound && why.code != ErrorCode::kInvalid) {
      return tl::unexpected<Error>(why);
    }
    ASSIGN_OR_RETURN(const struct stat facts, file.facts());
    const timespec then = time_from(resolved, "changed_at");
    const bool untouched =
        facts.st_ctim.tv_sec == then.tv_sec && facts.st_ctim.tv_nsec == then.tv_nsec;
    if (untouched) return kept_.remove();
    return leave(resolved, cat("it may be broken still: the copy of it that was kept is ",
                               why.code == ErrorCode::kInvalid ? "damaged" : "gone"));
  }

  static std::string join_reasons(const std::string& one, const std::string& other) {
    return cat(one, one.empty() || other.empty() ? "" : "; ", other);
  }

  Status leave(const json& resolved, const std::string& why) const {
    return kept_.leave(cat(resolved.at("path").get<std::string>(), ": ", why));
  }

  // Whoever writes to it meanwhile is not to lose a byte: once more when it has grown.
  Result<std::string> keep(const json& resolved, const FoundFile& file) const {
    for (int tries = 0; tries < kKeepTriesMax; ++tries) {
      ASSIGN_OR_RETURN(std::string content, file.read(0, KeptFile::kSizeMax + 1));
      if (auto kept = kept_.keep(content); !kept) return tl::unexpected<Error>(kept.error());
      ASSIGN_OR_RETURN(const struct stat facts, file.facts());
      const auto size = static_cast<std::int64_t>(content.size());
      if (size < resolved.at("size").get<std::int64_t>() || size > KeptFile::kSizeMax) break;
      if (size == facts.st_size) return content;
    }
    return fail(ErrorCode::kConflict, cat(request_.text("path"), " changes while it is kept"));
  }

  // Returns what could not be written, and why.
  Result<std::string> write(const json& resolved, const Mending& mending, std::size_t size,
                            const FoundFile& file) const {
    if (mending.writes.empty() && mending.tail.empty()) return std::string();
    ASSIGN_OR_RETURN(FileWriter writer, FileWriter::open(file));
    if (!kept_.is_broken() && mending.why.empty()) {
      // Whoever broke it was killed before it could put the times back itself.
      writer.set_times({time_from(resolved, "read_at"), time_from(resolved, "written_at")});
    }
    for (const auto& [offset, bytes] : mending.writes) {
      if (auto done = writer.write(offset, bytes); !done) return tl::unexpected(done.error());
    }
    std::string why;
    if (!mending.tail.empty()) {
      ASSIGN_OR_RETURN(const std::int64_t end, writer.append(mending.tail));
      if (end != static_cast<std::int64_t>(size)) {
        why = "others wrote at its end at the same moment: what was cut off is behind that";
      }
    }
    if (auto finished = writer.finish(); !finished) return tl::unexpected(finished.error());
    return why;
  }
};

class Flip final : public ContentDamage {
 public:
  using ContentDamage::ContentDamage;

 protected:
  // Each place once: turned over twice it would be as before. Seeded by the fault's id.
  void plan_content(json& resolved) const override {
    const std::uint64_t all = 8 * resolved.at("size").get<std::uint64_t>();
    const auto wanted = std::min(all, static_cast<std::uint64_t>(request_.integer("bits")));
    Random random(std::hash<std::string>()(request_.id));
    std::set<std::uint64_t> bits;
    while (bits.size() < wanted) bits.insert(random.below(all));
    resolved["bits"] = bits;
  }

  // Only the bytes that are broken: others may be writing.
  Status break_it(const json& resolved, const std::string& content,
                  FileWriter& writer) const override {
    const std::string broken = flipped(content, bits_of(resolved));
    for (std::size_t at = 0; at < broken.size(); ++at) {
      if (broken[at] == content[at]) continue;
      auto done = writer.write(static_cast<std::int64_t>(at), {&broken[at], 1});
      if (!done) return done;
    }
    return {};
  }

  Mending mending_of(const json& resolved, const std::string& original, const std::string& now,
                     const Whole&) const override {
    return mend_flips(original, bits_of(resolved), now);
  }

  Effect effect(const json& resolved, const FoundFile* file) const override {
    const auto before = kept_.original();
    const auto now = before && file ? file->read(0, before->size()) : before;
    const std::size_t size = before && now ? std::min(before->size(), now->size()) : 0;
    int differ = 0;
    for (const std::uint64_t bit : bits_of(resolved)) {
      const std::size_t at = bit / 8;
      if (at < size && (((*before)[at] ^ (*now)[at]) >> (bit % 8) & 1) != 0) ++differ;
    }
    return {.what = "bits flipped",
            .unit = "",
            .asked = static_cast<double>(request_.integer("bits")),
            .measured = static_cast<double>(differ)};
  }

 private:
  static std::vector<std::uint64_t> bits_of(const json& resolved) {
    return resolved.at("bits").get<std::vector<std::uint64_t>>();
  }
};

class Truncate final : public ContentDamage {
 public:
  using ContentDamage::ContentDamage;

 protected:
  void plan_content(json& resolved) const override {
    const auto size = resolved.at("size").get<double>();
    resolved["keep"] = static_cast<std::int64_t>(size * request_.percent("keep") / 100);
  }
  Status break_it(const json& resolved, const std::string&, FileWriter& writer) const override {
    return writer.truncate(resolved.at("keep"));
  }
  Mending mending_of(const json& resolved, const std::string& original, const std::string& now,
                     const Whole& whole) const override {
    const auto keep = resolved.at("keep").get<std::int64_t>();
    const bool is_hole = whole.file.is_hole(keep, static_cast<std::int64_t>(original.size()));
    return mend_cut(original, keep, now, whole.size, is_hole);
  }
  Effect effect(const json& resolved, const FoundFile* file) const override {
    const auto facts = file ? file->facts() : Result<struct stat>(fail(ErrorCode::kNotFound, ""));
    return {.what = "file size",
            .unit = "bytes",
            .asked = resolved.at("keep"),
            .measured = facts ? static_cast<double>(facts->st_size) : 0};
  }
};

}  // namespace

std::unique_ptr<Fault> make_file_flip(const FaultRequest& request, Host& host) {
  return std::make_unique<Flip>(request, host);
}
std::unique_ptr<Fault> make_file_permission(const FaultRequest& request, Host& host) {
  return std::make_unique<Permission>(request, host);
}
std::unique_ptr<Fault> make_file_truncate(const FaultRequest& request, Host& host) {
  return std::make_unique<Truncate>(request, host);
}

}  // namespace panshi::agent
