// SPDX-License-Identifier: Apache-2.0
// IpNetwork: "10.0.0.0/8", "::1/128", or one address. Pure. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/base/result.h"

namespace panshi::agent {

class IpNetwork {
 public:
  // kInvalid says what was expected.
  static Result<IpNetwork> parse(const std::string& text);
  // "10.1.2.3", "::1", "[::1]"; what is no address is in no network.
  bool contains(const std::string& address) const;
  // Every address of its family.
  bool is_everything() const { return bits_ == first_bit_; }
  const std::string& text() const { return text_; }

 private:
  using Bytes = std::array<std::uint8_t, 16>;  // IPv4 as IPv6 maps it
  static bool read(const std::string& address, Bytes& bytes, bool& is_six);

  Bytes bytes_{};
  unsigned bits_ = 0;       // of those 128 that must be the same
  unsigned first_bit_ = 0;  // where the family's own begin
  std::string text_;
};

}  // namespace panshi::agent
