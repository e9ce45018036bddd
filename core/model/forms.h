// SPDX-License-Identifier: Apache-2.0
// Forms: what a text in a file must look like when it stands for more than words: an address, a
// path, names of hosts, a method. Each reads the text into one spelling, so that whoever compares
// it later need not know the others. kInvalid says what was expected. Pure. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace panshi {

using TextForm = Result<std::string> (*)(const std::string& text);

// "a, b ,c" -> a, b, c: blanks around an item are nobody's. An empty item stays one.
std::vector<std::string> comma_list(std::string_view text);

// One IPv4 or IPv6 address. "10.0.0.0/8" is a network, "10.0.0.1:80" has a port: both refused.
Result<std::string> one_address(const std::string& text);
// "" or one_address().
Result<std::string> address_or_nothing(const std::string& text);
Result<std::string> absolute_path(const std::string& text);
Result<std::string> interface_name(const std::string& text);
// "shop.orders"
Result<std::string> table_name(const std::string& text);
// A list of names with commas, or "". As DNS compares them: lower case, no final dot, and what is
// not ASCII as the A-label that travels (RFC 5891).
Result<std::string> dns_names(const std::string& text);
// "" or a method as HTTP has it: a token, and `post` is not POST (RFC 9110, 9.1).
Result<std::string> http_method(const std::string& text);
Result<std::string> http_field_name(const std::string& text);

}  // namespace panshi
