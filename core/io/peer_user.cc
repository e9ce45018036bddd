// SPDX-License-Identifier: Apache-2.0
#include "core/io/peer_user.h"

#include <arpa/inet.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <vector>

#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi {
namespace {

constexpr std::size_t kTableMax = 64 << 20;
// Of a line, from 0: sl local rem st tx:rx tr:when retrnsmt uid timeout inode …
constexpr std::size_t kLocal = 1;
constexpr std::size_t kRemote = 2;
constexpr std::size_t kUser = 7;
constexpr std::size_t kInode = 9;

// Each word of the address as this machine's memory has it, and the port: as an IPv4 socket has it
// and as an IPv6 one does.
std::vector<std::string> as_listed(const TcpEnd& end) {
  std::array<std::uint32_t, 4> words{};
  std::array<char, 48> text{};
  std::vector<std::string> all;
  if (::inet_pton(AF_INET, end.address.c_str(), words.data()) == 1) {
    std::snprintf(text.data(), text.size(), "%08X:%04X", words[0], end.port);
    all.emplace_back(text.data());
    words = {0, 0, htonl(0xffff), words[0]};
  } else if (::inet_pton(AF_INET6, end.address.c_str(), words.data()) != 1) {
    return all;
  }
  std::snprintf(text.data(), text.size(), "%08X%08X%08X%08X:%04X", words[0], words[1], words[2],
                words[3], end.port);
  all.emplace_back(text.data());
  return all;
}

bool is_one_of(const std::string& text, const std::vector<std::string>& all) {
  for (const std::string& each : all) {
    if (each == text) return true;
  }
  return false;
}

}  // namespace

Result<uid_t> user_in_table(const std::string& table, const TcpEnd& peer, const TcpEnd& own) {
  const auto theirs = as_listed(peer);
  const auto ours = as_listed(own);
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; words.size() <= kInode && in >> word;) words.push_back(word);
    if (words.size() <= kInode) continue;
    if (!is_one_of(words[kLocal], theirs) || !is_one_of(words[kRemote], ours)) continue;
    // One that no process holds any more is listed as root's.
    if (words[kInode] == "0") continue;
    const auto user = parse_integer(words[kUser]);
    if (user && *user >= 0) return static_cast<uid_t>(*user);
  }
  return fail(ErrorCode::kNotFound, cat("nobody holds ", peer.address, ":", peer.port));
}

Result<uid_t> user_of_peer(const TcpEnd& peer, const TcpEnd& own) {
  for (const char* file : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto table = read_file(file, kTableMax);
    if (!table) continue;
    if (const auto user = user_in_table(*table, peer, own)) return user;
  }
  return fail(ErrorCode::kNotFound, cat("nobody holds ", peer.address, ":", peer.port));
}

}  // namespace panshi
