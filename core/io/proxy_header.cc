// SPDX-License-Identifier: Apache-2.0
#include "core/io/proxy_header.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;  // of version 2
constexpr std::string_view kWord = "PROXY ";                       // of version 1
constexpr std::size_t kLineMax = 107;
constexpr std::size_t kFixed = 16;  // of version 2, before the addresses
constexpr unsigned kLocal = 0x20;
constexpr unsigned kProxied = 0x21;
constexpr unsigned kTcp4 = 0x11;
constexpr unsigned kTcp6 = 0x21;

bool is_six(const std::string& address) { return address.find(':') != std::string::npos; }

template <std::size_t Size>
std::array<char, Size> bytes_of(const std::string& address) {
  std::array<char, Size> bytes{};
  const int family = Size == 4 ? AF_INET : AF_INET6;
  CHECK_BUG(::inet_pton(family, address.c_str(), bytes.data()) == 1);
  return bytes;
}

void add(std::string& out, std::uint16_t number) {
  out += static_cast<char>(number >> 8);
  out += static_cast<char>(number & 0xff);
}

template <std::size_t Size>
void add_ends(std::string& out, const ProxyOrigin& origin) {
  add(out, static_cast<std::uint16_t>(2 * Size + 4));
  for (const ProxyEnd* end : {&origin.source, &origin.destination}) {
    const auto bytes = bytes_of<Size>(end->address);
    out.append(bytes.data(), bytes.size());
  }
  add(out, origin.source.port);
  add(out, origin.destination.port);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

std::string address_at(std::string_view bytes, std::size_t at, int family) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  CHECK_BUG(::inet_ntop(family, bytes.data() + at, text.data(), text.size()) != nullptr);
  return text.data();
}

ProxyOrigin ends_at(std::string_view bytes, int family, std::size_t size) {
  const std::size_t ports = kFixed + 2 * size;
  return {{address_at(bytes, kFixed, family), number_at(bytes, ports)},
          {address_at(bytes, kFixed + size, family), number_at(bytes, ports + 2)}};
}

tl::unexpected<Error> wrong(std::string_view why) {
  return fail(ErrorCode::kInvalid, cat("PROXY header: ", why));
}

using Read = Result<std::optional<ProxyHeader>>;

Read read_second(std::string_view bytes) {
  if (bytes.size() < kFixed) return std::optional<ProxyHeader>();
  const std::size_t size = kFixed + number_at(bytes, 14);
  if (size > kProxyHeaderMax) return wrong("it is too long");
  if (bytes.size() < size) return std::optional<ProxyHeader>();
  const auto command = static_cast<unsigned char>(bytes[12]);
  const auto family = static_cast<unsigned char>(bytes[13]);
  if (command == kLocal) return ProxyHeader{size, std::nullopt};
  if (command != kProxied) return wrong("neither PROXY nor LOCAL of version 2");
  if (family == kTcp4) {
    if (size < kFixed + 12) return wrong("its addresses are cut");
    return ProxyHeader{size, ends_at(bytes, AF_INET, 4)};
  }
  if (family == kTcp6) {
    if (size < kFixed + 36) return wrong("its addresses are cut");
    return ProxyHeader{size, ends_at(bytes, AF_INET6, 16)};
  }
  return ProxyHeader{size, std::nullopt};
}

bool is_address(int family, const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> ignored;
  return ::inet_pton(family, text.c_str(), ignored.data()) == 1;
}

Read read_first(std::string_view bytes) {
  const auto end = bytes.substr(0, kLineMax).find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kLineMax) return wrong("its line is too long");
    return std::optional<ProxyHeader>();
  }
  const std::vector<std::string> words = split(bytes.substr(0, end), ' ');
  if (words.size() >= 2 && words[1] == "UNKNOWN") return ProxyHeader{end + 2, std::nullopt};
  const bool four = words.size() == 6 && words[1] == "TCP4";
  const bool six = words.size() == 6 && words[1] == "TCP6";
  if (!four && !six) return wrong("neither TCP4, TCP6 nor UNKNOWN");
  ProxyOrigin origin;
  for (const auto& [at, port_at, to] :
       {std::tuple(2, 4, &origin.source), std::tuple(3, 5, &origin.destination)}) {
    const auto port = parse_integer(words[static_cast<std::size_t>(port_at)]);
    to->address = words[static_cast<std::size_t>(at)];
    if (!is_address(four ? AF_INET : AF_INET6, to->address) || !port || *port < 0 ||
        *port > 65'535) {
      return wrong("its addresses are none");
    }
    to->port = static_cast<std::uint16_t>(*port);
  }
  return ProxyHeader{end + 2, origin};
}

}  // namespace

std::string proxy_header(int version, const std::optional<ProxyOrigin>& told) {
  std::string out(version == 1 ? kWord : kSignature);
  if (!told) {
    out += version == 1 ? "UNKNOWN\r\n"sv : "\x20\0\0\0"sv;
    return out;
  }
  const ProxyOrigin& origin = *told;
  const bool six = is_six(origin.source.address);
  CHECK_BUG(six == is_six(origin.destination.address));
  if (version == 1) {
    return cat(out, six ? "TCP6 " : "TCP4 ", origin.source.address, " ", origin.destination.address,
               " ", origin.source.port, " ", origin.destination.port, "\r\n");
  }
  out += static_cast<char>(kProxied);
  out += static_cast<char>(six ? kTcp6 : kTcp4);
  if (six) {
    add_ends<16>(out, origin);
  } else {
    add_ends<4>(out, origin);
  }
  return out;
}

Result<std::optional<ProxyHeader>> read_proxy_header(std::string_view bytes) {
  const auto begins = [&](std::string_view with) {
    const std::size_t size = std::min(bytes.size(), with.size());
    return bytes.substr(0, size) == with.substr(0, size);
  };
  if (begins(kSignature)) {
    if (bytes.size() < kSignature.size()) return std::optional<ProxyHeader>();
    return read_second(bytes);
  }
  if (begins(kWord)) {
    if (bytes.size() < kWord.size()) return std::optional<ProxyHeader>();
    return read_first(bytes);
  }
  return wrong("there is none");
}

}  // namespace panshi
