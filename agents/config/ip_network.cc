// SPDX-License-Identifier: Apache-2.0
#include "agents/config/ip_network.h"

#include <arpa/inet.h>

#include <algorithm>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr unsigned kMappedBits = 96;  // ::ffff:0:0/96

}  // namespace

bool IpNetwork::read(const std::string& address, Bytes& bytes, bool& is_six) {
  const bool in_brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
  const std::string bare = in_brackets ? address.substr(1, address.size() - 2) : address;
  bytes = {};
  is_six = ::inet_pton(AF_INET6, bare.c_str(), bytes.data()) == 1;
  if (is_six) return true;
  bytes = {};
  bytes[10] = bytes[11] = 0xff;
  return !in_brackets && ::inet_pton(AF_INET, bare.c_str(), &bytes[12]) == 1;
}

Result<IpNetwork> IpNetwork::parse(const std::string& text) {
  const auto slash = text.find('/');
  IpNetwork network;
  bool is_six = false;
  const auto wrong =
      fail(ErrorCode::kInvalid, cat("`", text, "` must be like 10.0.0.0/8, fd00::/8 or 127.0.0.1"));
  if (!read(text.substr(0, slash), network.bytes_, is_six)) return wrong;
  const unsigned all = is_six ? 128 : 32;
  const auto given = slash == std::string::npos ? Result<std::int64_t>(all)
                                                : parse_integer(text.substr(slash + 1));
  if (!given || *given < 0 || *given > all) return wrong;
  network.first_bit_ = is_six ? 0 : kMappedBits;
  network.bits_ = network.first_bit_ + static_cast<unsigned>(*given);
  network.text_ = text;
  return network;
}

bool IpNetwork::contains(const std::string& address) const {
  Bytes bytes{};
  bool is_six = false;
  if (!read(address, bytes, is_six)) return false;
  for (unsigned bit = 0; bit < bits_; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
    if ((bytes[bit / 8] & mask) != (bytes_[bit / 8] & mask)) return false;
  }
  return true;
}

}  // namespace panshi::agent
