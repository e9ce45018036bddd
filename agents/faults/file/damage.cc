// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/file/damage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <set>

#include "agents/faults/effect.h"
#include "agents/faults/file/kept_file.h"
#include "agents/faults/node_target.h"
#include "core/base/random.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi::agent {
namespace {

class FileDamage : public Fault {
 public:
  FileDamage(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<nlohmann::json> resolve() final {
    if (auto ours = check_node(request_, host_); !ours) return tl::unexpected<Error>(ours.error());
    ASSIGN_OR_RETURN(const auto path, allowed_path(request_.text("path"), host_));
    ASSIGN_OR_RETURN(nlohmann::json facts, KeptFile::look(path));
    plan(facts);
    return facts;
  }

  Status apply(const nlohmann::json& resolved) final {
    const KeptFile file = kept(resolved);
    if (auto done = file.keep(); !done) return done;
    return damage(resolved, file.path().string());
  }

  Status revert(const nlohmann::json& resolved) final { return kept(resolved).put_back(); }

  nlohmann::json measure(const nlohmann::json& resolved) const final {
    nlohmann::json json;
    add_effect(json, effect(resolved));
    return json;
  }

 protected:
  virtual void plan(nlohmann::json&) const {}
  virtual Status damage(const nlohmann::json& resolved, const std::string& path) const = 0;
  virtual Effect effect(const nlohmann::json& resolved) const = 0;

  KeptFile kept(const nlohmann::json& resolved) const {
    return KeptFile(resolved, kept_folder(host_) / (request_.id + KeptFile::kEnding));
  }
  static Status failed(const std::string& path) {
    return fail(ErrorCode::kUnavailable, cat(path, ": ", std::string(std::strerror(errno))));
  }

  const FaultRequest request_;
  Host& host_;
};

class Flip final : public FileDamage {
 public:
  using FileDamage::FileDamage;

 protected:
  // Each place once: turned over twice it would be as before. Seeded by the fault's id.
  void plan(nlohmann::json& facts) const override {
    const std::uint64_t all = 8 * facts.at("size").get<std::uint64_t>();
    const auto wanted = std::min(all, static_cast<std::uint64_t>(request_.integer("bits")));
    Random random(std::hash<std::string>()(request_.id));
    std::set<std::uint64_t> bits;
    while (bits.size() < wanted) bits.insert(random.below(all));
    facts["bits"] = bits;
  }

  Status damage(const nlohmann::json& resolved, const std::string& path) const override {
    ASSIGN_OR_RETURN(const std::string content, kept(resolved).original());
    std::string broken = content;
    for (const auto& bit : resolved.at("bits")) {
      const auto at = bit.get<std::uint64_t>();
      char& byte = broken.at(at / 8);
      byte = static_cast<char>(byte ^ (1 << (at % 8)));
    }
    const int file = ::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return failed(path);
    Status status;
    for (std::size_t at = 0; status && at < broken.size(); ++at) {
      if (broken[at] == content[at]) continue;  // only what is broken: others may be writing
      if (::pwrite(file, &broken[at], 1, static_cast<off_t>(at)) != 1) status = failed(path);
    }
    ::close(file);
    return status;
  }

  Effect effect(const nlohmann::json& resolved) const override {
    const auto before = kept(resolved).original();
    const auto now = read_file(kept(resolved).path(), KeptFile::kSizeMax);
    int differ = 0;
    for (std::size_t i = 0; before && now && i < std::min(before->size(), now->size()); ++i) {
      differ += std::popcount(static_cast<unsigned char>((*before)[i] ^ (*now)[i]));
    }
    return {.what = "bits flipped",
            .unit = "",
            .asked = static_cast<double>(resolved.at("bits").size()),
            .measured = static_cast<double>(differ)};
  }
};

class Truncate final : public FileDamage {
 public:
  using FileDamage::FileDamage;

 protected:
  void plan(nlohmann::json& facts) const override {
    const auto size = facts.at("size").get<double>();
    facts["keep"] = static_cast<std::int64_t>(size * request_.percent("keep") / 100);
  }
  Status damage(const nlohmann::json& resolved, const std::string& path) const override {
    return ::truncate(path.c_str(), resolved.at("keep")) == 0 ? Status() : failed(path);
  }
  Effect effect(const nlohmann::json& resolved) const override {
    std::error_code error;
    const auto size = std::filesystem::file_size(kept(resolved).path(), error);
    return {.what = "file size",
            .unit = "bytes",
            .asked = resolved.at("keep"),
            .measured = error ? 0 : static_cast<double>(size)};
  }
};

class Permission final : public FileDamage {
 public:
  using FileDamage::FileDamage;

 protected:
  Status damage(const nlohmann::json&, const std::string& path) const override {
    return ::chmod(path.c_str(), 0) == 0 ? Status() : failed(path);
  }
  Effect effect(const nlohmann::json& resolved) const override {
    struct stat facts {};
    const bool there = ::stat(kept(resolved).path().c_str(), &facts) == 0;
    return {.what = "permission bits",
            .unit = "",
            .asked = 0,
            .measured = there ? std::popcount(facts.st_mode & 07777U) : 0.0};
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
