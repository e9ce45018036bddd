// SPDX-License-Identifier: Apache-2.0
#include "core/access/token_book.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/base/ids.h"
#include "core/base/struck.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/mac.h"
#include "core/json/fields.h"

namespace panshi {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kFileMax = 4 << 20;

Status check(const Token& token, WallTime now) {
  if (!is_id(token.name)) {
    return fail(ErrorCode::kInvalid,
                cat("`", token.name, "` is not a name: letters, digits, `_`, `.` and `-`"));
  }
  if (token.name.find('.') != std::string::npos) {
    return fail(ErrorCode::kInvalid, "the name of a token has no dot");
  }
  const auto role = rights_of_role(token.role);
  if (!role) return tl::unexpected(role.error());
  const auto only = read_rights(token.only);
  if (!only) return tl::unexpected(only.error());
  if ((*only & ~*role) != 0) {
    return fail(ErrorCode::kInvalid,
                cat("role ", token.role, " does not have ", join(names_of(*only & ~*role), ", ")));
  }
  if (token.until <= now || token.until > now + TokenBook::kValidMax) {
    return fail(ErrorCode::kInvalid, "a token ends in the future, at most a year from now");
  }
  return {};
}

std::int64_t micros(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

Rights Token::rights() const {
  const Rights of_role = rights_of_role(role).value_or(0);
  return only.empty() ? of_role : of_role & read_rights(only).value_or(0);
}

Json to_json(const Token& token) {
  return {{"name", token.name},
          {"role", token.role},
          {"rights", names_of(token.rights())},
          {"made_us", micros(token.made)},
          {"until_us", micros(token.until)},
          {"made_by", token.made_by}};
}

Result<std::unique_ptr<TokenBook>> TokenBook::open(std::filesystem::path file) {
  std::unique_ptr<TokenBook> book(new TokenBook(std::move(file)));
  if (auto loaded = book->load(); !loaded) return tl::unexpected(loaded.error());
  return book;
}

Status TokenBook::load() {
  const auto text = read_file(file_, kFileMax);
  if (!text && text.error().code == ErrorCode::kNotFound) return {};
  if (!text) return tl::unexpected(text.error());
  struct stat there {};
  if (::stat(file_.c_str(), &there) != 0 || (there.st_mode & 077) != 0) {
    return fail(ErrorCode::kRefused,
                cat(file_.string(), ": others may read or write it: chmod 600 ", file_.string()));
  }
  const auto json = parse_json(*text, kFileMax);
  if (!json) return fail(json.error(), file_.string());
  Problems problems;
  Fields in(*json, "", problems);
  in.need_value("tokens");
  in.may_each("tokens", [&](const Json& item, const std::string& path) {
    Kept kept;
    std::int64_t made = 0;
    std::int64_t until = 0;
    Fields fields(item, path, problems);
    fields.need("name", kept.token.name);
    fields.need("role", kept.token.role);
    fields.may("only", kept.token.only);
    fields.need("made_us", made);
    fields.need("until_us", until);
    fields.may("made_by", kept.token.made_by);
    fields.need("digest", kept.digest);
    fields.done();
    kept.token.made = WallTime(Duration(made));
    kept.token.until = WallTime(Duration(until));
    kept_.push_back(std::move(kept));
  });
  in.done();
  if (!problems.empty()) return fail(problems.error(), file_.string());
  return {};
}

Status TokenBook::save(const std::vector<Kept>& kept) const {
  Json list = Json::array();
  for (const Kept& each : kept) {
    list.push_back({{"name", each.token.name},
                    {"role", each.token.role},
                    {"only", each.token.only},
                    {"made_us", micros(each.token.made)},
                    {"until_us", micros(each.token.until)},
                    {"made_by", each.token.made_by},
                    {"digest", each.digest}});
  }
  return write_file_durably(file_, dump_json_pretty({{"tokens", list}}) + "\n", 0600);
}

Result<std::string> TokenBook::make(Token token, WallTime now) {
  if (auto good = check(token, now); !good) return tl::unexpected(good.error());
  token.made = now;
  ASSIGN_OR_RETURN(const std::string secret, random_token());
  const std::string text = cat(token.name, ".", kTokenPrefix, secret);
  const std::lock_guard lock(mutex_);
  std::vector<Kept> kept = kept_;
  std::erase_if(kept, [&](const Kept& each) { return each.token.until <= now; });
  const bool taken = std::any_of(kept.begin(), kept.end(),
                                 [&](const Kept& each) { return each.token.name == token.name; });
  if (taken) {
    return fail(ErrorCode::kConflict,
                cat("there is a token ", token.name, " already: panshi token revoke ", token.name));
  }
  if (kept.size() >= kTokensMax) {
    return fail(ErrorCode::kRefused, cat("there are ", kTokensMax, " tokens: revoke one"));
  }
  kept.push_back({std::move(token), sha256_of(text)});
  std::sort(kept.begin(), kept.end(),
            [](const Kept& a, const Kept& b) { return a.token.name < b.token.name; });
  if (auto saved = save(kept); !saved) return tl::unexpected(saved.error());
  kept_ = std::move(kept);
  never_show(text);
  return text;
}

Status TokenBook::revoke(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::vector<Kept> kept = kept_;
  if (std::erase_if(kept, [&](const Kept& each) { return each.token.name == name; }) == 0) {
    return fail(ErrorCode::kNotFound, cat("there is no token ", name, "; panshi token list"));
  }
  if (auto saved = save(kept); !saved) return saved;
  kept_ = std::move(kept);
  return {};
}

std::vector<Token> TokenBook::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Token> tokens;
  for (const Kept& each : kept_) tokens.push_back(each.token);
  return tokens;
}

std::optional<Token> TokenBook::find(std::string_view text, WallTime now) const {
  const std::string digest = sha256_of(text);
  const std::lock_guard lock(mutex_);
  std::optional<Token> found;
  for (const Kept& each : kept_) {
    if (equal_in_constant_time(each.digest, digest) && now < each.token.until) found = each.token;
  }
  if (found) never_show(std::string(text));
  return found;
}

}  // namespace panshi
