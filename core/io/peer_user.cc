// SPDX-License-Identifier: Apache-2.0
#include "core/io/peer_user.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>
#include <vector>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/listen_security.h"
#include "core/io/sock_diag.h"
#include "core/io/socket_end.h"

namespace panshi {
namespace {

constexpr std::size_t kTableMax = 64 << 20;
// Of a line, from 0: sl local rem st tx:rx tr:when retrnsmt uid timeout inode …
constexpr std::size_t kLocal = 1;
constexpr std::size_t kRemote = 2;
constexpr std::size_t kSocketState = 3;
constexpr std::string_view kListening = "0A";
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

namespace {

// Of the first line that `fits`, and that a process holds.
template <class Fits>
Result<uid_t> user_of_line(const std::string& table, const TcpEnd& of, const Fits& fits) {
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; words.size() <= kInode && in >> word;) words.push_back(word);
    // One that no process holds any more, or not yet, is listed as root's.
    if (words.size() <= kInode || words[kInode] == "0" || !fits(words)) continue;
    const auto user = parse_integer(words[kUser]);
    if (user && *user >= 0) return static_cast<uid_t>(*user);
  }
  return fail(ErrorCode::kNotFound, cat("nobody holds ", of.address, ":", of.port));
}

template <class Look>
Result<uid_t> in_tables(const TcpEnd& of, const Look& look) {
  // This thread's: it may be in a network namespace of its own.
  for (const char* file : {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}) {
    const auto table = read_file(file, kTableMax);
    if (!table) continue;
    if (const auto user = look(*table)) return user;
  }
  return fail(ErrorCode::kNotFound, cat("nobody holds ", of.address, ":", of.port));
}

}  // namespace

Result<uid_t> user_in_table(const std::string& table, const TcpEnd& peer, const TcpEnd& own) {
  const auto theirs = as_listed(peer);
  const auto ours = as_listed(own);
  return user_of_line(table, peer, [&](const std::vector<std::string>& words) {
    return is_one_of(words[kLocal], theirs) && is_one_of(words[kRemote], ours);
  });
}

Result<uid_t> listener_in_table(const std::string& table, const TcpEnd& at) {
  auto places = as_listed(at);
  for (const char* any : {"0.0.0.0", "::"}) {
    for (std::string& place : as_listed({any, at.port})) places.push_back(std::move(place));
  }
  return user_of_line(table, at, [&](const std::vector<std::string>& words) {
    return words[kSocketState] == kListening && is_one_of(words[kLocal], places);
  });
}

Result<uid_t> user_of_peer(const TcpEnd& peer, const TcpEnd& own) {
  const auto told = user_of_end(peer, own);
  if (told || told.error().code != ErrorCode::kUnavailable) return told;
  return in_tables(peer, [&](const std::string& table) { return user_in_table(table, peer, own); });
}

Result<uid_t> user_of_listener(const TcpEnd& at) {
  const auto told = user_of_listening(at);
  if (told || told.error().code != ErrorCode::kUnavailable) return told;
  return in_tables(at, [&](const std::string& table) { return listener_in_table(table, at); });
}

Result<uid_t> user_of_server(const TcpEnd& server, const TcpEnd& own) {
  // Accepted before the next one may listen there.
  const auto accepted = user_of_peer(server, own);
  if (accepted) return accepted;
  const auto listens = user_of_listener(server);
  // Accepted meanwhile, perhaps by somebody who listens no more.
  const auto now = user_of_peer(server, own);
  return now ? now : listens;
}

namespace {

std::string account_text(uid_t user) {
  std::array<char, 4'096> bytes{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(user, &entry, bytes.data(), bytes.size(), &found);
  return found == nullptr ? cat(user) : std::string(found->pw_name);
}

}  // namespace

Status check_server(int connection, const PasswordRules& rules) {
  const TcpEnd server = peer_end(connection);
  const TcpEnd own = own_end(connection);
  if (server.address.empty()) return {};  // a Unix socket, or nobody any more
  // Whoever calls one of this machine's own addresses has it at both ends.
  if (!is_loopback(server.address) && server.address != own.address) {
    if (rules.insecure) return {};
    return fail(ErrorCode::kRefused,
                cat("no password was sent: ", server.address,
                    " is another machine, and whoever reads that network would read it. Ask by "
                    "TLS where there is a key `authority`, or write `insecure: true` next to the "
                    "password"));
  }
  const auto user = user_of_server(server, own);
  if (!user) {  // it was passed on, to a container perhaps; or it is gone, or hides
    if (rules.insecure) return {};
    return fail(ErrorCode::kRefused,
                cat("no password was sent: no process of this machine is seen to hold port ",
                    server.port, " of ", server.address,
                    ". If it leads to a container, write `insecure: true` next to the password"));
  }
  if (*user == 0 || *user == ::geteuid() || rules.accounts.contains(*user)) return {};
  const std::string name = account_text(*user);
  return fail(ErrorCode::kRefused,
              cat("no password was sent: port ", server.port, " of ", server.address,
                  " is held by the account ", name, ". If that is right, write `account: ", name,
                  "` next to the password"));
}

bool may_be_here(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> wanted{};
  const int family = host.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (is_loopback(host) || ::inet_pton(family, host.c_str(), wanted.data()) != 1) return true;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return true;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(all, ::freeifaddrs);
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != family) continue;
    const void* const bytes =
        family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(each->ifa_addr)->sin_addr)
            : &reinterpret_cast<sockaddr_in6*>(each->ifa_addr)->sin6_addr;
    if (std::memcmp(bytes, wanted.data(), family == AF_INET ? 4 : 16) == 0) return true;
  }
  return false;
}

}  // namespace panshi
