// SPDX-License-Identifier: Apache-2.0
// Secret: a text that stands in a file of its own, named as `{secret: FILE}`, so that it stands
// nowhere else; read each time it is needed, so that a new one counts at once.
//
// What was read is never shown from then on (core/base/struck.h). Any thread.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/struck.h"
#include "core/io/peer_user.h"
#include "core/json/fields.h"

namespace panshi {

class Secret {
 public:
  Secret() = default;  // none
  explicit Secret(std::filesystem::path file) : file_(std::move(file)) {}

  bool empty() const { return file_.empty(); }
  const std::filesystem::path& file() const { return file_; }
  // Without the line end behind it; "" for none. kNotFound; kInvalid: it is empty, or has a zero
  // byte or several lines; kRefused: others may read it or change it or its folder, or it is longer
  // than 4 KiB. No error tells what is in it.
  Result<std::string> read() const;

 private:
  std::filesystem::path file_;
};

// The key's `{secret: FILE}`. A text in its place is a problem that says what to write.
void may_secret(Fields& in, const char* key, Secret& out);

// The same, read at once, for who takes it in at the start: what keeps it from being read is a
// problem. Relative paths are to the folder that the program runs in.
void may_secret(Fields& in, const char* key, std::string& out);

// Without secrets in any text of it, keys too. `numbers`: one that is a secret becomes a text.
nlohmann::json json_without_secrets(const nlohmann::json& json, bool numbers = false);
// Of JSON as it is sent: the same, and it stays JSON.
std::string json_text_without_secrets(std::string_view json);

// Who may hear a password that stands there: `account: redis`, by name or number, and
// `insecure: true`. `in_clear`: that is how it would go to `host`, and one that is certainly of
// another machine wants the latter.
void may_tell(Fields& in, const std::string& host, bool in_clear, PasswordRules& rules);

}  // namespace panshi
