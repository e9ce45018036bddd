// SPDX-License-Identifier: Apache-2.0
// Whatever comes first on a connection of a proxy, its header is read, wanted on, or refused; what
// was read is written and read again as the same.
#include "core/io/proxy_header.h"

#include <cstddef>
#include <cstdint>

#include "core/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto read = panshi::read_proxy_header(bytes);
  if (!read) {
    CHECK_BUG(!read.error().message.empty());
    return 0;
  }
  CHECK_BUG(read->has_value() || size < panshi::kProxyHeaderMax);  // it is not waited for for ever
  if (!read->has_value()) return 0;
  CHECK_BUG((*read)->size > 0 && (*read)->size <= size);
  // No byte more or less decides it.
  CHECK_BUG(panshi::read_proxy_header(bytes.substr(0, (*read)->size)).value()->size ==
            (*read)->size);
  const auto& origin = (*read)->origin;
  if (!origin) return 0;
  for (const int version : {1, 2}) {
    const auto again = panshi::read_proxy_header(panshi::proxy_header(version, origin));
    CHECK_BUG(again && *again && (*again)->origin == origin);
  }
  return 0;
}
