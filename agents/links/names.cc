// SPDX-License-Identifier: Apache-2.0
#include "agents/links/names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>

#include <charconv>
#include <cstring>
#include <future>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

Result<Names::Addresses> ask_system(const std::string& host) {
  addrinfo wanted = {};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &wanted, &list); code != 0) {
    return fail(ErrorCode::kUnavailable, cat("lookup ", host, ": ", ::gai_strerror(code)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(list, ::freeaddrinfo);
  Names::Addresses found;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    Address address;
    address.size = each->ai_addrlen;
    std::memcpy(&address.bytes, each->ai_addr, each->ai_addrlen);
    found.push_back(address);
  }
  if (found.empty()) return fail(ErrorCode::kUnavailable, cat("lookup ", host, ": no address"));
  return found;
}

std::optional<Address> numeric(const std::string& host) {
  const bool v6 = host.find(':') != std::string::npos;
  const auto parsed = parse_address(v6 ? cat("[", host, "]:0") : cat(host, ":0"));
  return parsed ? std::optional(*parsed) : std::nullopt;
}

}  // namespace

Result<NamedAddress> parse_named_address(const std::string& text) {
  const auto wrong = [](const std::string& what, const char* why) {
    return fail(ErrorCode::kInvalid, cat("address ", what, ": ", why));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return wrong(text, "missing port in address");
  std::string host = text.substr(0, colon);
  const std::string port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return wrong(text, "too many colons in address");
  }
  NamedAddress address{.host = host};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  const bool whole = error == std::errc{} && end == port.data() + port.size();
  if (!port.empty() && !whole) return wrong(port, "invalid port");
  return address;
}

struct Names::State {
  Resolve resolve;
  std::mutex mutex;
  std::map<std::string, std::vector<Done>> asked = {};  // by host

  // Under the lock, so that nobody is told once the owner is gone.
  void tell(const std::string& host, const Result<Addresses>& answer) {
    const std::lock_guard lock(mutex);
    const auto there = asked.find(host);
    if (there == asked.end()) return;
    for (const Done& each : there->second) each(answer);
    asked.erase(there);
  }
};

Names::Names(Resolve resolve) : state_(std::make_shared<State>()) {
  state_->resolve = resolve ? std::move(resolve) : ask_system;
}

Names::~Names() {
  const std::lock_guard lock(state_->mutex);
  state_->asked.clear();
}

Names::Addresses Names::known(const std::string& host) {
  if (host.empty() || host == "localhost") return {*numeric("127.0.0.1"), *numeric("::1")};
  if (const auto address = numeric(host)) return {*address};
  return {};
}

void Names::ask(const std::string& host, Done done) {
  if (auto addresses = known(host); !addresses.empty()) return done(addresses);
  {
    const std::lock_guard lock(state_->mutex);
    const auto there = state_->asked.find(host);
    if (there != state_->asked.end()) {
      there->second.push_back(std::move(done));
      return;
    }
    if (state_->asked.size() < kAskedMax) {
      state_->asked[host].push_back(std::exchange(done, {}));
    }
  }
  if (done) return done(fail(ErrorCode::kUnavailable, "too many names are being looked up"));
  const auto work = [state = state_, host] {
    ::pthread_setname_np(::pthread_self(), "names");
    state->tell(host, state->resolve(host));
  };
  try {
    std::thread(work).detach();  // not joined: a silent resolver would hold up whoever ends this
  } catch (const std::system_error& problem) {
    state_->tell(host, fail(ErrorCode::kUnavailable, cat("lookup ", host, ": ", problem.what())));
  }
}

Result<Names::Addresses> Names::ask_within(const std::string& host, Duration within) {
  const auto promise = std::make_shared<std::promise<Result<Addresses>>>();
  auto answer = promise->get_future();
  ask(host, [promise](const Result<Addresses>& found) { promise->set_value(found); });
  if (answer.wait_for(within) == std::future_status::ready) return answer.get();
  return fail(ErrorCode::kTimeout, cat("lookup ", host, ": i/o timeout"));
}

}  // namespace panshi::agent
