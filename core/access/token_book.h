// SPDX-License-Identifier: Apache-2.0
// TokenBook: tokens of people and programs, each with a role, perhaps fewer rights than that, and
// an end. Only digests are kept: a token is told once, when it is made.
//
// A token is "NAME.64 hex digits", 256 random bits. The file is JSON, mode 0600, written whole or
// not at all. Any thread.
#pragma once

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/rights.h"
#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi {

struct Token {
  std::string name;  // an id
  std::string role;
  std::vector<std::string> only = {};  // of the role's rights; empty: all
  WallTime made{};
  WallTime until{};
  std::string made_by = {};

  Rights rights() const;
};

class TokenBook {
 public:
  static constexpr std::size_t kTokensMax = 1'000;
  static constexpr Duration kDefaultValid = std::chrono::hours(24 * 90);
  static constexpr Duration kValidMax = std::chrono::hours(24 * 366);

  // An absent file is an empty book. kInvalid names what is wrong with it; kRefused: others may
  // read or write it.
  static Result<std::unique_ptr<TokenBook>> open(std::filesystem::path file);

  // The token itself, for its owner. kInvalid: role, rights or times; kConflict: the name is taken
  // by one that is still good; kRefused: there are kTokensMax.
  Result<std::string> make(Token token, WallTime now);
  // kNotFound. From now on nobody gets in with it.
  Status revoke(const std::string& name);
  std::vector<Token> list() const;  // by name
  // Whose token it is, if it is good at `now`. Takes the same time for every wrong one.
  std::optional<Token> find(std::string_view text, WallTime now) const;

 private:
  struct Kept {
    Token token;
    std::string digest;  // SHA-256 of the whole text, in hex
  };
  explicit TokenBook(std::filesystem::path file) : file_(std::move(file)) {}
  Status load();
  Status save(const std::vector<Kept>& kept) const;

  const std::filesystem::path file_;
  mutable std::mutex mutex_;
  std::vector<Kept> kept_;
};

// {"name","role","rights":[…],"made_us","until_us","made_by"}
nlohmann::json to_json(const Token& token);

}  // namespace panshi
