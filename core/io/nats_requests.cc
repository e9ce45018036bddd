// SPDX-License-Identifier: Apache-2.0
// The protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol
#include "core/io/nats_requests.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/io/peer_user.h"
#include "core/io/tls_caller.h"
#include "core/io/transport.h"
#include "core/json/fields.h"

namespace panshi {
namespace {

constexpr std::size_t kLineMax = 64 << 10;  // bytes; the longest is INFO of a large cluster
constexpr std::size_t kPieceMax = 64 << 10;
constexpr std::string_view kLineEnd = "\r\n";

struct NatsPlace {
  std::string host;
  std::string port = "4222";
  std::string user;  // without a password: a token
  std::string password;
  bool tls = false;

  std::string text() const { return cat(host, ":", port); }
};

Result<NatsPlace> place_of_url(std::string_view url) {
  NatsPlace place;
  if (const auto slashes = url.find("://"); slashes != url.npos) {
    place.tls = url.substr(0, slashes) == "tls";
    if (url.substr(0, slashes) != "nats" && !place.tls) {
      return fail(ErrorCode::kInvalid, "nats: a url begins with nats:// or tls://");
    }
    url.remove_prefix(slashes + 3);
  }
  if (const auto at = url.rfind('@'); at != url.npos) {
    const std::string_view who = url.substr(0, at);
    const auto colon = who.find(':');
    place.user = who.substr(0, colon);
    if (colon != who.npos) place.password = who.substr(colon + 1);
    url.remove_prefix(at + 1);
  }
  url = url.substr(0, url.find('/'));
  const auto colon = url.rfind(':');
  if (colon != url.npos && url.find(']', colon) == url.npos) {
    place.port = url.substr(colon + 1);
    url = url.substr(0, colon);
  }
  if (url.starts_with('[') && url.ends_with(']')) url = url.substr(1, url.size() - 2);
  place.host = url;
  return place;
}

// Where the answers go: a name that nobody else has or guesses.
Result<std::string> new_inbox() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != ssize_t{sizeof bytes}) {
    return fail(ErrorCode::kInternal, "nats: no random bytes");
  }
  std::string inbox = "_INBOX.";
  for (const unsigned char byte : bytes) {
    inbox += "0123456789abcdef"[byte >> 4];
    inbox += "0123456789abcdef"[byte & 15];
  }
  return inbox;
}

bool has_secret(const NatsRequests::Options& options, const NatsPlace& place) {
  return !options.user.empty() || !place.user.empty();
}

std::string login(const NatsRequests::Options& options, const NatsPlace& place) {
  nlohmann::json json = {
      {"verbose", false}, {"pedantic", false},     {"tls_required", place.tls},
      {"lang", "panshi"}, {"version", "1"},        {"protocol", 1},
      {"headers", true},  {"no_responders", true}, {"name", options.client_name}};
  if (!options.user.empty()) {
    json["user"] = options.user;
    json["pass"] = options.password;
  } else if (!place.password.empty()) {
    json["user"] = place.user;
    json["pass"] = place.password;
  } else if (!place.user.empty()) {
    json["auth_token"] = place.user;
  }
  return dump_json(json);
}

}  // namespace

class NatsRequests::Link {
 public:
  // One operation of the server: INFO, MSG, HMSG, PING, PONG, +OK, -ERR.
  struct Operation {
    std::string name;
    std::string rest;     // of the line
    std::string subject;  // of a message, as the next two
    std::string headers;
    std::string body;
  };

  explicit Link(const Options& options) : timeout_(options.timeout), max_(options.answer_max) {}
  ~Link() { close(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void begin() {  // of what has one time and one bound
    until_ = mono_now() + timeout_;
    left_ = max_;
  }
  // What one request took is not kept for the next.
  void end() {
    received_.erase(0, std::exchange(taken_, 0));
    received_.shrink_to_fit();
  }
  void close() {
    transport_.reset();
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    received_ = {};
    taken_ = 0;
  }
  bool open() const { return transport_ != nullptr; }
  int socket() const { return fd_; }

  Status connect(const NatsPlace& place);
  Status begin_tls(const TlsServer& server);  // REQUIRES: nothing is under way
  Status send(std::string_view bytes);
  Result<Operation> next();  // answers PING itself

  std::string inbox;
  std::uint64_t asked = 0;

 private:
  Status try_address(const addrinfo& address);
  bool wait_for(short events) const;  // false: there is no time left
  // Until some bytes went or came: how many; 0 when the other side has sent all.
  template <class Act>
  Result<std::size_t> move(std::string_view doing, const Act& act);
  Result<std::string> line();
  Result<std::string> bytes(std::size_t count);
  Status receive();
  Status read_message(Operation& operation);
  std::size_t held() const { return received_.size() - taken_; }
  tl::unexpected<Error> too_long() const {
    return fail(ErrorCode::kUnavailable, cat("an answer longer than ", max_, " bytes"));
  }
  static tl::unexpected<Error> late() { return fail(ErrorCode::kUnavailable, "no answer in time"); }
  static tl::unexpected<Error> lost(std::string_view doing) {
    return fail(ErrorCode::kUnavailable, cat(doing, ": ", std::strerror(errno)));
  }

  const Duration timeout_;
  const std::size_t max_;
  int fd_ = -1;
  std::unique_ptr<Transport> transport_;
  MonoTime until_{};
  std::size_t left_ = 0;  // what may still be received
  std::string received_;
  std::size_t taken_ = 0;  // of that
};

Status NatsRequests::Link::connect(const NatsPlace& place) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(place.host.c_str(), place.port.c_str(), &wanted, &found)) {
    return fail(ErrorCode::kUnavailable, ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  Status tried = late();
  for (const addrinfo* each = found; each != nullptr && !open(); each = each->ai_next) {
    tried = try_address(*each);
    if (!tried) close();
    if (tried) transport_ = plain_transport(fd_);
  }
  return tried;
}

Status NatsRequests::Link::try_address(const addrinfo& address) {
  fd_ = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return lost("socket");
  const int yes = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (::connect(fd_, address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return lost("connect");
  if (!wait_for(POLLOUT)) return late();
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  errno = error;
  return error == 0 ? Status() : lost("connect");
}

bool NatsRequests::Link::wait_for(short events) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - mono_now()).count();
    if (left <= 0) return false;
    pollfd ready{.fd = fd_, .events = events, .revents = 0};
    const int count = ::poll(&ready, 1, static_cast<int>(left));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return true;  // the call that follows says why
  }
}

Status NatsRequests::Link::begin_tls(const TlsServer& server) {
  // What lies before the handshake could be anybody's.
  if (held() != 0) return fail(ErrorCode::kUnavailable, "it speaks before its turn");
  ASSIGN_OR_RETURN(transport_, call_by_tls(fd_, server));
  return {};
}

template <class Act>
Result<std::size_t> NatsRequests::Link::move(std::string_view doing, const Act& act) {
  for (;;) {
    if (mono_now() >= until_) return late();
    errno = 0;
    const Transport::Io io = act();
    switch (io.outcome) {
      case Transport::Outcome::kDone:
        return io.bytes;
      case Transport::Outcome::kEnd:
        return 0;
      case Transport::Outcome::kWaitRead:
        if (!wait_for(POLLIN)) return late();
        break;
      case Transport::Outcome::kWaitWrite:
        if (!wait_for(POLLOUT)) return late();
        break;
      case Transport::Outcome::kBroken:
        if (const auto refusal = transport_->refusal(); !refusal.why.empty()) {
          return fail(ErrorCode::kRefused, refusal.why);
        }
        return lost(doing);
    }
  }
}

Status NatsRequests::Link::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ASSIGN_OR_RETURN(const std::size_t went,
                     move("send", [&] { return transport_->write(bytes); }));
    bytes.remove_prefix(went);
  }
  return {};
}

Status NatsRequests::Link::receive() {
  if (left_ == 0) return too_long();
  char piece[kPieceMax];
  const std::span<char> into(piece, std::min(sizeof piece, left_));
  ASSIGN_OR_RETURN(const std::size_t came, move("receive", [&] { return transport_->read(into); }));
  if (came == 0) return fail(ErrorCode::kUnavailable, "the server closed the connection");
  left_ -= came;
  received_.erase(0, std::exchange(taken_, 0));
  received_.append(piece, came);
  return {};
}

Result<std::string> NatsRequests::Link::line() {
  for (;;) {
    if (const auto end = received_.find(kLineEnd, taken_); end != std::string::npos) {
      const std::size_t begin = std::exchange(taken_, end + kLineEnd.size());
      return received_.substr(begin, end - begin);
    }
    if (held() > kLineMax) return fail(ErrorCode::kUnavailable, "a line without an end");
    if (auto more = receive(); !more) return tl::unexpected(more.error());
  }
}

Result<std::string> NatsRequests::Link::bytes(std::size_t count) {
  // What is announced is not waited for when it could not be taken.
  if (count > held() && count - held() > left_) return too_long();
  while (held() < count) {
    if (auto more = receive(); !more) return tl::unexpected(more.error());
  }
  return received_.substr(std::exchange(taken_, taken_ + count), count);
}

// SUBJECT SID [REPLY-TO] [BYTES OF HEADERS] BYTES, and then the bytes.
Status NatsRequests::Link::read_message(Operation& operation) {
  const bool has_headers = operation.name == "HMSG";
  const std::vector<std::string> words = words_of(operation.rest);
  if (words.size() < (has_headers ? 4 : 3)) {
    return fail(ErrorCode::kUnavailable, "a message without a size");
  }
  const auto size = parse_integer(words.back());
  const auto head = has_headers ? parse_integer(words.end()[-2]) : 0;
  if (!size || !head || *head < 0 || *size < *head) {
    return fail(ErrorCode::kUnavailable, "a message of no size");
  }
  operation.subject = words.front();
  ASSIGN_OR_RETURN(operation.headers, bytes(static_cast<std::size_t>(*head)));
  ASSIGN_OR_RETURN(operation.body, bytes(static_cast<std::size_t>(*size - *head)));
  ASSIGN_OR_RETURN(const std::string end, bytes(kLineEnd.size()));
  if (end != kLineEnd) return fail(ErrorCode::kUnavailable, "a message longer than its size");
  return {};
}

Result<NatsRequests::Link::Operation> NatsRequests::Link::next() {
  for (;;) {
    ASSIGN_OR_RETURN(const std::string text, line());
    const auto blank = std::min(text.find_first_of(" \t"), text.size());
    Operation operation;
    operation.name = text.substr(0, blank);
    operation.rest = trimmed(text.substr(blank));
    if (operation.name == "PING") {
      if (auto sent = send("PONG\r\n"); !sent) return tl::unexpected(sent.error());
      continue;
    }
    if (operation.name == "MSG" || operation.name == "HMSG") {
      if (auto read = read_message(operation); !read) return tl::unexpected(read.error());
    }
    return operation;
  }
}

namespace {

bool of_the_account(const std::string& words) {
  const std::string text = lower(words);
  return text.find("authorization") != text.npos || text.find("authentication") != text.npos ||
         text.find("permissions violation") != text.npos;
}

// What the server says instead of an answer, in quotes.
tl::unexpected<Error> said(const std::string& words) {
  return fail(of_the_account(words) ? ErrorCode::kRefused : ErrorCode::kUnavailable,
              one_line(words));
}

}  // namespace

NatsRequests::NatsRequests(std::unique_ptr<Link> link) : link_(std::move(link)) {}
NatsRequests::~NatsRequests() = default;

Result<std::unique_ptr<NatsRequests>> NatsRequests::connect(const Options& options) {
  ASSIGN_OR_RETURN(NatsPlace place, place_of_url(options.url));
  place.tls = place.tls || !options.authority.empty();
  auto link = std::make_unique<Link>(options);
  ASSIGN_OR_RETURN(link->inbox, new_inbox());
  link->begin();
  const auto greet = [&]() -> Status {
    if (auto connected = link->connect(place); !connected) return connected;
    ASSIGN_OR_RETURN(const auto greeting, link->next());
    if (greeting.name == "-ERR") return said(greeting.rest);
    if (greeting.name != "INFO") return fail(ErrorCode::kUnavailable, "no server of NATS");
    const auto info = parse_json(greeting.rest);
    if (!info || !info->is_object()) return fail(ErrorCode::kUnavailable, "greets with no object");
    if (place.tls) {
      if (auto by = link->begin_tls({place.host, options.authority}); !by) return by;
    } else if (info->value("tls_required", nlohmann::json()) == true) {
      return fail(ErrorCode::kUnavailable,
                  "it wants TLS: write `authority: FILE`, the certificate of who signs its own");
    } else if (options.rules && has_secret(options, place)) {
      if (auto its = check_server(link->socket(), *options.rules); !its) return its;
    }
    if (auto sent = link->send(
            cat("CONNECT ", login(options, place), "\r\nSUB ", link->inbox, ".* 1\r\nPING\r\n"));
        !sent) {
      return sent;
    }
    for (;;) {
      ASSIGN_OR_RETURN(const auto answer, link->next());
      if (answer.name == "-ERR") return said(answer.rest);
      if (answer.name == "PONG") return {};
    }
  };
  if (auto greeted = greet(); !greeted) {
    return fail(greeted.error(), cat("nats ", place.text()));
  }
  link->end();
  return std::unique_ptr<NatsRequests>(new NatsRequests(std::move(link)));
}

Result<std::string> NatsRequests::request(const std::string& subject, std::string_view body,
                                          const std::map<std::string, std::string>& headers) {
  const std::string doing = cat("nats request ", subject);
  if (!link_->open()) return fail(ErrorCode::kUnavailable, "nats: not connected");
  std::string head = headers.empty() ? "" : "NATS/1.0\r\n";
  for (const auto& [name, value] : headers) {
    if (value.find_first_of(kLineEnd) != value.npos) return fail(ErrorCode::kInvalid, doing);
    head += cat(name, ": ", value, kLineEnd);
  }
  if (!headers.empty()) head += kLineEnd;
  if (subject.empty() || subject.find_first_of(" \t\r\n") != subject.npos) {
    return fail(ErrorCode::kInvalid, cat(doing, ": no subject"));
  }
  const std::string reply = cat(link_->inbox, ".", ++link_->asked);
  std::string order = cat(headers.empty() ? "PUB " : "HPUB ", subject, " ", reply, " ");
  if (!headers.empty()) order += cat(head.size(), " ");
  order += cat(head.size() + body.size(), kLineEnd, head, body, kLineEnd);

  link_->begin();
  // Whatever went wrong, it may have been done; and what comes now would be the answer to this.
  const auto unknown = [&](Error why) {
    link_->close();
    why.code = ErrorCode::kTimeout;
    return fail(std::move(why), doing);
  };
  if (auto sent = link_->send(order); !sent) return unknown(sent.error());
  for (;;) {
    auto answer = link_->next();
    if (!answer) return unknown(answer.error());
    if (answer->name == "-ERR") {
      Error error = said(answer->rest).value();
      if (error.code != ErrorCode::kRefused) return unknown(std::move(error));
      link_->end();
      return fail(std::move(error), doing);
    }
    if (answer->subject != reply) continue;
    link_->end();
    if (answer->headers.starts_with("NATS/1.0 503")) {
      return fail(ErrorCode::kUnavailable, cat(doing, ": nobody answers"));
    }
    return std::move(answer->body);
  }
}

}  // namespace panshi
