// SPDX-License-Identifier: Apache-2.0
#include "agents/toxiproxy/resolve.h"

#include <algorithm>
#include <semaphore>

#include "agents/links/names.h"
#include "agents/links/socket.h"
#include "core/base/text.h"

namespace panshi::agent::toxiproxy {
namespace {

constexpr int kLookUpsMax = 4;  // half of the threads that answer

tl::unexpected<ApiError> not_resolved(std::string message) {
  return tl::unexpected(ApiError{500, std::move(message)});
}

// "listen on 127.0.0.1:80: Address already in use" is theirs as "address already in use".
std::string in_their_words(const std::string& message) {
  const auto colon = message.rfind(": ");
  std::string why = colon == std::string::npos ? message : message.substr(colon + 2);
  if (!why.empty() && why[0] >= 'A' && why[0] <= 'Z') why[0] = static_cast<char>(why[0] + 32);
  return why;
}

std::string with_port(const std::string& address, std::uint16_t port) {
  return cat(address.substr(0, address.rfind(':')), ":", port);
}

}  // namespace

Answer<ListenPlace> resolve_listen(const std::string& listen, const LinkTable& links) {
  const auto named = parse_named_address(listen.empty() ? ":0" : listen);
  if (!named) return not_resolved(named.error().message);
  const std::string& host = named->host;
  if (host.empty() || host == "0.0.0.0" || host == "::") {
    const std::string any = host == "::" ? "[::]" : host;
    return ListenPlace{cat("[::]:", named->port), cat(any, ":", named->port)};
  }
  // Names for which nobody answers must not hold all threads: the other calls need some.
  static std::counting_semaphore<kLookUpsMax> look_ups(kLookUpsMax);
  const bool quick = !Names::known(host).empty();
  if (!quick && !look_ups.try_acquire()) {
    return not_resolved(cat("lookup ", host, ": ", kLookUpsMax,
                            " names are being looked up already: try again, or give an address"));
  }
  const auto found = links.look_up(host, kResolveWithin);
  if (!quick) look_ups.release();
  if (!found) return not_resolved(found.error().message);
  const auto v4 = std::find_if(found->begin(), found->end(),
                               [](const std::string& each) { return each[0] != '['; });
  const std::string address = with_port(v4 == found->end() ? found->front() : *v4, named->port);
  return ListenPlace{address, address};
}

Answer<std::shared_ptr<BoundPort>> take_port(const ListenPlace& place) {
  auto port = LinkTable::reserve(place.numeric, kProxyAccount);
  const bool no_v6 = !port && port.error().code != ErrorCode::kConflict;
  if (no_v6 && place.numeric.starts_with("[::]:")) {
    port = LinkTable::reserve(cat("0.0.0.0", place.numeric.substr(4)), kProxyAccount);
  }
  if (port) return *port;
  return not_resolved(
      cat("listen tcp ", place.shown, ": bind: ", in_their_words(port.error().message)));
}

}  // namespace panshi::agent::toxiproxy
