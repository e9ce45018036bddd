// SPDX-License-Identifier: Apache-2.0
#include "core/io/secret.h"

#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/trusted_path.h"

namespace panshi {
namespace {

constexpr std::size_t kSecretMax = 4'096;
constexpr std::string_view kStruckOut = "(struck out)";

class Known {
 public:
  void add(const std::string& secret) {
    if (secret.size() < kSecretMin) return;
    const std::lock_guard lock(mutex_);
    secrets_.insert(secret);
  }
  std::string strike(std::string text) const {
    const std::lock_guard lock(mutex_);
    for (const std::string& secret : secrets_) {
      for (std::size_t at = text.find(secret); at != std::string::npos;
           at = text.find(secret, at + kStruckOut.size())) {
        text.replace(at, secret.size(), kStruckOut);
      }
    }
    return text;
  }
  bool empty() const {
    const std::lock_guard lock(mutex_);
    return secrets_.empty();
  }

 private:
  mutable std::mutex mutex_;
  // The longest first: one may begin with another.
  struct Longer {
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() > b.size() : a < b;
    }
  };
  std::set<std::string, Longer> secrets_;
};

Known& known() {
  static Known& kKnown = *new Known;  // also for threads that outlive main()
  return kKnown;
}

}  // namespace

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
  known().add(secret);
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

void never_show(const std::string& secret) { known().add(secret); }

std::string without_secrets(std::string_view text) { return known().strike(std::string(text)); }

nlohmann::json json_without_secrets(const nlohmann::json& json) {
  if (known().empty()) return json;
  if (json.is_string()) return without_secrets(json.get<std::string>());
  if (json.is_array()) {
    nlohmann::json out = nlohmann::json::array();
    for (const nlohmann::json& item : json) out.push_back(json_without_secrets(item));
    return out;
  }
  if (!json.is_object()) return json;
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [key, value] : json.items())
    out[without_secrets(key)] = json_without_secrets(value);
  return out;
}

}  // namespace panshi
