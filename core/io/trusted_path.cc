// SPDX-License-Identifier: Apache-2.0
#include "core/io/trusted_path.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/text.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 40;  // as the kernel follows

struct Trusted {
  std::set<uid_t> users = {0, ::geteuid()};
  std::set<gid_t> groups = {0};

  Trusted() {
    if (::geteuid() != 0) {
      groups.insert(::getegid());
      return;
    }
    if (const auto user = number_in("SUDO_UID")) users.insert(static_cast<uid_t>(*user));
    if (const auto group = number_in("SUDO_GID")) groups.insert(static_cast<gid_t>(*group));
  }
  static std::optional<std::int64_t> number_in(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr) return std::nullopt;
    const auto number = parse_integer(text);
    return number ? std::optional(*number) : std::nullopt;
  }
};

Status open_to_others(const fs::path& path, const std::string& how, const std::string& remedy) {
  return fail(ErrorCode::kRefused, cat(path.string(), " ", how, ", who could change it: `", remedy,
                                       " ", path.string(), "`"));
}

Status check_one(const fs::path& path, const struct stat& facts, bool is_last,
                 const Trusted& trusted) {
  if (!trusted.users.contains(facts.st_uid)) {
    return open_to_others(path, cat("belongs to user ", facts.st_uid), "chown root");
  }
  if (S_ISLNK(facts.st_mode)) return {};  // its mode says nothing
  const bool sticky = S_ISDIR(facts.st_mode) && (facts.st_mode & S_ISVTX) != 0 && !is_last;
  if (sticky) return {};
  if ((facts.st_mode & S_IWOTH) != 0) {
    return open_to_others(path, "may be written by everybody", "chmod o-w");
  }
  // With an access control list the group's bits are what the list may give at most, to anybody.
  const bool has_list = ::lgetxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
  if ((facts.st_mode & S_IWGRP) != 0 && has_list) {
    return open_to_others(path, "has an access control list that lets others write", "setfacl -b");
  }
  if ((facts.st_mode & S_IWGRP) != 0 && !trusted.groups.contains(facts.st_gid)) {
    return open_to_others(path, cat("may be written by group ", facts.st_gid), "chmod g-w");
  }
  return {};
}

}  // namespace

Status check_trusted(const fs::path& path) {
  const Trusted trusted;
  fs::path here = "/";
  std::vector<fs::path> ahead;  // the next one last
  const auto go_on_with = [&](const fs::path& more) {
    std::vector<fs::path> parts(more.begin(), more.end());
    std::reverse(parts.begin(), parts.end());
    ahead.insert(ahead.end(), parts.begin(), parts.end());
  };
  go_on_with(fs::absolute(path));  // with its `..`, which lead up from where a link led to
  for (int links = 0; !ahead.empty();) {
    const fs::path part = ahead.back();
    ahead.pop_back();
    if (part.empty() || part == ".") continue;
    here = part == ".." ? here.parent_path() : here / part;
    struct stat facts {};
    if (::lstat(here.c_str(), &facts) != 0) {
      const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable;
      return fail(code, cat(here.string(), ": ", std::string(std::strerror(errno))));
    }
    if (auto fine = check_one(here, facts, ahead.empty(), trusted); !fine) return fine;
    if (!S_ISLNK(facts.st_mode)) continue;
    std::error_code error;
    const fs::path target = fs::read_symlink(here, error);
    if (error || ++links > kLinksMax) {
      return fail(ErrorCode::kUnavailable, cat(here.string(), ": a link that leads nowhere"));
    }
    here = target.is_absolute() ? fs::path("/") : here.parent_path();
    go_on_with(target);
  }
  return {};
}

namespace {

constexpr std::size_t kFirstLineMax = 256;  // of a script, as the kernel reads it

// "#!/usr/bin/python3 -E" -> "/usr/bin/python3"; "" when it is not a script.
std::string interpreter_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string line(kFirstLineMax, '\0');
  in.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(in.gcount()));
  if (!line.starts_with("#!")) return "";
  line = trimmed(std::string_view(line).substr(2, line.find('\n') - 2));
  return line.substr(0, line.find_first_of(" \t"));
}

// "python3.11" is python.
bool is_interpreter(const fs::path& program) {
  static const std::set<std::string> kNames = {"sh",     "ash",  "bash", "dash", "ksh", "zsh",
                                               "python", "perl", "ruby", "node", "php", "lua"};
  const std::string name = program.filename();
  return kNames.contains(name.substr(0, name.find_first_of("0123456789.")));
}

}  // namespace

Status check_trusted_command(const std::vector<std::string>& command) {
  bool script_follows = false;
  std::vector<std::string> executed;
  for (const std::string& word : command) {
    std::error_code error;
    if (!fs::path(word).is_absolute() || !fs::is_regular_file(word, error)) {
      if (&word == &command.front()) script_follows = is_interpreter(word);
      continue;
    }
    const bool is_program = &word == &command.front();
    if (!is_program && !script_follows && ::access(word.c_str(), X_OK) != 0) continue;
    executed.push_back(word);
    if (const std::string by = interpreter_of(word); !by.empty()) executed.push_back(by);
    script_follows = is_program && is_interpreter(word);
  }
  for (const std::string& file : executed) {
    const Status fine = check_trusted(file);
    if (!fine && fine.error().code == ErrorCode::kRefused) return fine;
  }
  return {};
}

Status check_trusted_folder(const fs::path& folder) {
  if (auto fine = check_trusted(folder); !fine) return fine;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_directory(error)) continue;
    if (auto fine = check_trusted(entry.path()); !fine) return fine;
  }
  return {};
}

}  // namespace panshi
