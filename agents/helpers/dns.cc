// SPDX-License-Identifier: Apache-2.0
// A resolver on the loopback addresses that breaks chosen names and passes on all others, over UDP
// and TCP. What it passes on is marked, so that the rules that bring queries here let it go.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "agents/helpers/dns_message.h"
#include "agents/helpers/helper.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr int kAtOnceMax = 128;  // queries that are being passed on
constexpr int kUpstreamSeconds = 4;
constexpr std::size_t kMessageMax = 65'535;
constexpr std::uint16_t kDnsPort = 53;

struct Address {
  sockaddr_storage at{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&at); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&at); }
};

Address address_of(const std::string& text, std::uint16_t port) {
  Address address;
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&address.at, &four, sizeof four);
    address.size = sizeof four;
  } else if (::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    std::memcpy(&address.at, &six, sizeof six);
    address.size = sizeof six;
  }
  return address;
}

class Socket {  // closed at the end
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string bytes_of(const std::string& text) {
  std::string bytes(16, '\0');
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return bytes.substr(0, 4);
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  return {};
}

Socket open_socket(const Address& local, int type) {
  Socket handle(::socket(local.at.ss_family, type | SOCK_CLOEXEC, 0));
  const int one = 1;
  ::setsockopt(handle.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(handle.get(), local.get(), local.size) != 0) return Socket();
  if (type == SOCK_STREAM && ::listen(handle.get(), 64) != 0) return Socket();
  return handle;
}

void limit_waits(int fd) {
  const timeval limit{.tv_sec = kUpstreamSeconds, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

bool receive_whole(int fd, std::string& into) {
  for (std::size_t got = 0; got < into.size();) {
    const ssize_t more = ::recv(fd, into.data() + got, into.size() - got, 0);
    if (more <= 0) return false;
    got += static_cast<std::size_t>(more);
  }
  return true;
}

// Over TCP each message comes after its length.
std::string receive_message(int fd) {
  std::string length(2, '\0');
  if (!receive_whole(fd, length)) return {};
  const std::size_t high = static_cast<unsigned char>(length[0]);
  const std::size_t low = static_cast<unsigned char>(length[1]);
  const std::size_t size = (high << 8U) | low;
  std::string message(size, '\0');
  return receive_whole(fd, message) ? message : std::string();
}

void send_message(int fd, const std::string& message) {
  std::string whole = {static_cast<char>(message.size() >> 8),
                       static_cast<char>(message.size() & 0xff)};
  whole += message;
  (void)::send(fd, whole.data(), whole.size(), MSG_NOSIGNAL);
}

struct Orders {
  Address upstream;
  std::string how;  // a word, or the address to answer with
  std::vector<std::string> names;
  unsigned mark = 0;
};

class Resolver {
 public:
  explicit Resolver(Orders orders) : orders_(std::move(orders)) {}

  // Empty: no answer at all. May block.
  std::string answer(const std::string& query, int type) const {
    const auto question = read_question(query);
    if (!question || !is_under(question->name, orders_.names)) return pass_on(query, type);
    if (orders_.how == "timeout") return {};
    const DnsCode code = orders_.how == "servfail"   ? DnsCode::kServfail
                         : orders_.how == "nxdomain" ? DnsCode::kNxdomain
                         : orders_.how == "refused"  ? DnsCode::kRefused
                                                     : DnsCode::kNoError;
    return make_answer(query, *question, code, bytes_of(orders_.how));
  }

 private:
  std::string pass_on(const std::string& query, int type) const {
    const Socket to(::socket(orders_.upstream.at.ss_family, type | SOCK_CLOEXEC, 0));
    if (::setsockopt(to.get(), SOL_SOCKET, SO_MARK, &orders_.mark, sizeof orders_.mark) != 0) {
      return {};
    }
    limit_waits(to.get());
    if (::connect(to.get(), orders_.upstream.get(), orders_.upstream.size) != 0) return {};
    if (type == SOCK_STREAM) {
      send_message(to.get(), query);
      return receive_message(to.get());
    }
    if (::send(to.get(), query.data(), query.size(), 0) < 0) return {};
    std::string answer(kMessageMax, '\0');
    const ssize_t got = ::recv(to.get(), answer.data(), answer.size(), 0);
    answer.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return answer;
  }

  const Orders orders_;
};

std::atomic<int> at_once = 0;

// On a thread of its own; when too many are under way the query is lost, as on a busy network.
void apart(std::function<void()> work) {
  if (at_once >= kAtOnceMax) return;
  ++at_once;
  std::thread([work = std::move(work)] {
    work();
    --at_once;
  }).detach();
}

[[noreturn]] void serve_udp(const std::shared_ptr<Socket>& own, const Resolver* resolver) {
  for (;;) {
    std::string query(kMessageMax, '\0');
    Address from;
    from.size = sizeof from.at;
    const ssize_t got =
        ::recvfrom(own->get(), query.data(), query.size(), 0, from.get(), &from.size);
    if (got <= 0) continue;
    query.resize(static_cast<std::size_t>(got));
    apart([own, resolver, query, from] {
      const std::string answer = resolver->answer(query, SOCK_DGRAM);
      if (answer.empty()) return;
      (void)::sendto(own->get(), answer.data(), answer.size(), 0, from.get(), from.size);
    });
  }
}

[[noreturn]] void serve_tcp(const std::shared_ptr<Socket>& own, const Resolver* resolver) {
  for (;;) {
    const int fd = ::accept4(own->get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const auto client = std::make_shared<Socket>(fd);
    limit_waits(fd);
    apart([client, resolver] {
      for (std::string query = receive_message(client->get()); !query.empty();
           query = receive_message(client->get())) {
        const std::string answer = resolver->answer(query, SOCK_STREAM);
        if (answer.empty()) return;
        send_message(client->get(), answer);
      }
    });
  }
}

std::vector<std::string> names_in(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::vector<std::string> names = split(text, ',');
  std::erase(names, "");
  return names;
}

}  // namespace

Status begin_dns(const HelperArguments& arguments) {
  const auto port = parse_integer(arguments[0]);
  const Address upstream = address_of(arguments[1], kDnsPort);
  const auto mark = parse_integer(arguments[4]);
  if (!port || *port < 1 || *port > 65'535 || upstream.size == 0 || !mark) {
    return fail(ErrorCode::kInvalid, "dns PORT UPSTREAM HOW NAMES MARK");
  }
  static const Resolver resolver({.upstream = upstream,
                                  .how = arguments[2],
                                  .names = names_in(arguments[3]),
                                  .mark = static_cast<unsigned>(*mark)});
  for (const char* own : {"127.0.0.1", "::1"}) {
    const Address local = address_of(own, static_cast<std::uint16_t>(*port));
    auto udp = std::make_shared<Socket>(open_socket(local, SOCK_DGRAM));
    auto tcp = std::make_shared<Socket>(open_socket(local, SOCK_STREAM));
    if (udp->get() < 0 || tcp->get() < 0) {
      if (local.at.ss_family == AF_INET6) break;  // a node without IPv6
      return fail(ErrorCode::kUnavailable,
                  cat(own, ":", *port, ": ", std::string(std::strerror(errno))));
    }
    std::thread(serve_udp, udp, &resolver).detach();
    std::thread(serve_tcp, tcp, &resolver).detach();
  }
  return {};
}

}  // namespace panshi::agent
