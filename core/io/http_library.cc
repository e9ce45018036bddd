// SPDX-License-Identifier: Apache-2.0
// HTTP by cpp-httplib: it reads a request, asks our guard, reads the body, calls the handler and
// writes the answer. It sees no socket but a Stream over what has arrived, so that a slow client
// holds no thread, and neither a line nor a body without end gets past our bounds. A request whose
// body is not there yet is begun anew when it is.
//
// What version 0.11.4 does on its own account is undone where a request comes in (on_request) and
// where an answer goes out (on_answer); http_attacks_test and http_keep_test run over it.
#include <httplib.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <optional>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/http_answer.h"
#include "core/io/http_reader.h"
#include "core/io/secret.h"

namespace panshi {
namespace {

// What came in, and what is to go out.
class Bytes : public httplib::Stream {
 public:
  Bytes(std::string_view in, const HttpPeer& peer) : in_(in), peer_(peer) {}

  bool is_readable() const override { return taken_ < in_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* into, std::size_t size) override {
    if (taken_ == in_.size()) {
      ran_dry_ = true;
      return -1;  // 0 would be taken for the end of a line
    }
    const std::size_t part = std::min(size, in_.size() - taken_);
    std::copy_n(in_.data() + taken_, part, into);
    taken_ += part;
    return static_cast<ssize_t>(part);
  }
  ssize_t write(const char* from, std::size_t size) override {
    out_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = peer_.address;
    port = peer_.port;
  }
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return -1; }

  std::size_t taken() const { return taken_; }
  std::string_view left() const { return in_.substr(taken_); }
  std::string_view seen() const { return in_.substr(0, taken_); }
  bool ran_dry() const { return ran_dry_; }
  std::string take_out() { return std::exchange(out_, {}); }

 private:
  const std::string_view in_;
  const HttpPeer& peer_;
  std::size_t taken_ = 0;
  bool ran_dry_ = false;
  std::string out_;
};

// One request, from its head to its answer.
class Exchange {
 public:
  Exchange(const HttpRules& rules, const HttpPeer& peer, Bytes& bytes, MonoTime arrived,
           unsigned served)
      : rules_(rules), peer_(peer), bytes_(bytes), arrived_(arrived), served_(served) {}

  // Where the library calls us, in this order; on_error instead of what is left out.
  void on_request(httplib::Request& request);
  bool on_head(httplib::Response& out);  // false: the body is wanted
  void on_body(const httplib::ContentReader& body, httplib::Response& out);
  void on_error(httplib::Response& out);
  void on_answer(httplib::Response& out);

  bool wants_more() const { return wants_more_; }
  bool is_chunked() const { return chunked_; }
  bool expects_continue() const { return head_.expects_continue; }
  bool keeps() const { return keep_ && !unread_; }
  bool is_unread() const { return unread_; }
  // Bytes of the request, once its head was read.
  std::size_t size() const { return chunked_ ? bytes_.taken() : head_bytes_ + body_bytes_; }

 private:
  std::optional<HttpResponse> check();
  void handle(std::string body, httplib::Response& out);
  void answer(const HttpResponse& response, httplib::Response& out);

  const HttpRules& rules_;
  const HttpPeer& peer_;
  Bytes& bytes_;
  const MonoTime arrived_;
  const unsigned served_;
  HttpHead head_;
  std::size_t headers_ = 0;
  bool plain_ = true;  // headers are names with printable values, also once decoded
  std::size_t head_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  bool chunked_ = false;
  HttpRoutes::Match match_;
  bool wants_more_ = false;
  bool answered_ = false;
  bool keep_ = false;
  bool unread_ = true;  // until it is known where the next request begins
};

// The library tells its handlers the request, and nothing of ours that it belongs to.
thread_local Exchange* current_exchange = nullptr;

// The library's own, with a way into it that wants no socket.
class Library : public httplib::Server {
 public:
  Library();
  void process(httplib::Stream& stream, Exchange& exchange);
};

Library::Library() {
  // Any path, line breaks included: the guard matches routes, on the path as it was sent.
  constexpr const char* kAny = "[\\s\\S]*";
  const auto on_body = [](const httplib::Request&, httplib::Response& out,
                          const httplib::ContentReader& body) {
    current_exchange->on_body(body, out);
  };
  Post(kAny, on_body).Put(kAny, on_body).Patch(kAny, on_body).Delete(kAny, on_body);
  set_pre_routing_handler([](const httplib::Request&, httplib::Response& out) {
    return current_exchange->on_head(out) ? HandlerResponse::Handled : HandlerResponse::Unhandled;
  });
  set_error_handler(
      [](const httplib::Request&, httplib::Response& out) { current_exchange->on_error(out); });
  set_post_routing_handler(
      [](const httplib::Request&, httplib::Response& out) { current_exchange->on_answer(out); });
  set_payload_max_length(std::numeric_limits<std::size_t>::max());  // the guard knows it
}

void Library::process(httplib::Stream& stream, Exchange& exchange) {
  current_exchange = &exchange;
  bool closed = false;
  (void)process_request(stream, false, closed,
                        [&](httplib::Request& request) { exchange.on_request(request); });
  current_exchange = nullptr;
}

// A server of the library ignores SIGPIPE from its birth on, which is the program's to decide.
Library& library() {
  static const std::unique_ptr<Library> one = [] {
    struct sigaction before = {};
    ::sigaction(SIGPIPE, nullptr, &before);
    auto made = std::make_unique<Library>();
    ::sigaction(SIGPIPE, &before, nullptr);
    return made;
  }();
  return *one;
}

// Whether each line below the first is a name, a colon and more: the library skips others unseen.
bool has_plain_lines(std::string_view head) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  const auto is_of_name = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  };
  const std::vector<std::string> lines = split(head, '\n');
  for (std::size_t i = 0; i + 2 < lines.size(); ++i) {  // the last two are empty
    const std::string_view line = lines[i];
    const auto colon = line.find(':');
    const bool named =
        colon != 0 && colon != std::string_view::npos &&
        std::all_of(line.begin(), line.begin() + static_cast<long>(colon), is_of_name);
    if (line.find('\r') + 1 != line.size() || (i > 0 && !named)) return false;
  }
  return true;
}
bool is_text(const std::string& value) {
  return std::none_of(value.begin(), value.end(),
                      [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}
bool lists(const std::string& value, std::string_view word) {
  for (const std::string& each : split(lower(value), ',')) {
    const auto first = each.find_first_not_of(" \t");
    if (first == std::string::npos) continue;
    if (each.substr(first, each.find_last_not_of(" \t") - first + 1) == word) return true;
  }
  return false;
}

// Which the library adds, behind those of the same name that a client made up.
bool is_made_up(const std::string& name) {
  return name == "remote_addr" || name == "remote_port" || name == "local_addr" ||
         name == "local_port";
}

void Exchange::on_request(httplib::Request& request) {
  head_bytes_ = bytes_.taken();
  plain_ = has_plain_lines(bytes_.seen());
  head_.request.peer = peer_.name();
  head_.request.uid = peer_.uid;
  head_.request.remote_address = peer_.client();
  head_.request.remote_port = peer_.port;
  head_.request.method = request.method;
  head_.target_bytes = request.target.size();
  split_http_target(request.target, head_.request);
  for (const auto& [name, value] : request.headers) {
    const std::string key = lower(name);
    if (is_made_up(key)) continue;
    ++headers_;
    plain_ = plain_ && is_text(value);
    const auto [at, added] = head_.request.headers.try_emplace(key, value);
    if (!added) head_.repeated.push_back(key);
  }
  head_.keep_alive =
      request.version == "HTTP/1.1" && !lists(head_.request.header("connection"), "close");
  head_.expects_continue = lower(head_.request.header("expect")) == "100-continue";
  chunked_ = head_.count("transfer-encoding") != 0;
  // It would answer them by itself: compress, cut, say "100 Continue" before we looked at the head.
  for (const char* name : {"Accept-Encoding", "Range", "Expect", "Connection"}) {
    request.headers.erase(name);
  }
  request.ranges.clear();
  const bool bodiless = head_.count("content-length") == 0 && !chunked_;
  if (bodiless) request.headers.emplace("Content-Length", "0");  // not: up to the end
}

std::optional<HttpResponse> Exchange::check() {
  if (headers_ > HttpReader::kHeadersMax) return bare_http_refusal(rules_.options, 431);
  if (!plain_) return bare_http_refusal(rules_.options, 400);
  HttpGuard::Verdict verdict = rules_.guard.check(head_);
  body_bytes_ = content_length(head_.request.header("content-length")).value_or(0);
  const bool whole = !chunked_ && bytes_.left().size() >= body_bytes_;
  unread_ = verdict.refusal && (!whole || !verdict.framing_is_sure);
  wants_more_ = !verdict.refusal && !chunked_ && !whole;
  match_ = std::move(verdict.match);
  return std::move(verdict.refusal);
}

bool Exchange::on_head(httplib::Response& out) {
  keep_ = http_keeps(head_, served_ + 1, rules_.options);
  if (const auto refusal = check()) {
    answer(*refusal, out);
  } else if (wants_more_) {
    answer(HttpResponse{}, out);  // nobody gets it
  } else if (rules_.stopping) {
    answer(http_stopping(rules_.options), out);
  } else if (const std::string& method = head_.request.method;
             method == "GET" || method == "HEAD" || method == "OPTIONS") {
    handle(std::string(bytes_.left().substr(0, body_bytes_)), out);  // no library reads that one
  } else {
    return false;
  }
  return true;
}

void Exchange::on_body(const httplib::ContentReader& body, httplib::Response& out) {
  std::string text;
  bool too_large = false;
  const bool read = body([&](const char* part, std::size_t size) {
    too_large = size > rules_.options.body_max - text.size();
    if (too_large) return false;
    text.append(part, size);
    return true;
  });
  wants_more_ = !read && bytes_.ran_dry();
  if (wants_more_) return answer(HttpResponse{}, out);
  // The library also takes a chunk for the last one when what follows it is no end of a line.
  const bool ended = read && (!chunked_ || bytes_.seen().ends_with("0\r\n\r\n"));
  if (ended) return handle(std::move(text), out);
  unread_ = true;
  answer(bare_http_refusal(rules_.options, too_large ? 413 : 400), out);
}

void Exchange::handle(std::string body, httplib::Response& out) {
  HttpRequest request = std::move(head_.request);
  request.body = std::move(body);
  request.captures = std::move(match_.captures);
  request.arrived = arrived_;
  answer(rules_.handle(request, *match_.route), out);
}

void Exchange::on_error(httplib::Response& out) {
  if (!answered_) answer(bare_http_refusal(rules_.options, out.status), out);
}

// What no handler can forget: each answer of controller and agent leaves here.
std::string body_of(const HttpResponse& response) {
  if (response.tells_secret) return response.body;
  const bool is_json = response.content_type.starts_with("application/json");
  return is_json ? json_text_without_secrets(response.body) : without_secrets(response.body);
}

void Exchange::answer(const HttpResponse& response, httplib::Response& out) {
  answered_ = true;
  out.status = response.status;
  out.body = body_of(response);
  if (!http_is_bodiless(response.status)) out.set_header("Content-Type", response.content_type);
  out.set_header("X-Content-Type-Options", "nosniff");
  if (!response.headers.contains("Cache-Control")) out.set_header("Cache-Control", "no-store");
  for (const auto& [name, value] : response.headers) out.set_header(name, value);
  for (const std::string& cookie : response.cookies) out.set_header("Set-Cookie", cookie);
}

void Exchange::on_answer(httplib::Response& out) {
  for (const char* name : {"Keep-Alive", "Accept-Ranges", "Connection"}) out.headers.erase(name);
  if (http_is_bodiless(out.status)) out.headers.erase("Content-Length");
  keep_ = keep_ && rules_.keeps(peer_);
  if (!keeps()) out.set_header("Connection", "close");
}

class LibraryReader : public HttpReader {
 public:
  LibraryReader(const HttpRules& rules, HttpPeer peer) : rules_(rules), peer_(std::move(peer)) {}

  State feed(std::string_view bytes) override;
  State serve(MonoTime arrived) override;
  Answer take_answer() override { return std::exchange(answer_, {}); }
  bool take_go_on() override { return std::exchange(go_on_, false); }
  bool has_begun() const override { return !in_.empty(); }

 private:
  const HttpRules& rules_;
  const HttpPeer peer_;
  std::string in_;
  std::size_t searched_ = 0;  // of it, for what ends a head or a body in chunks
  std::size_t wanted_ = 0;    // of it, before it is worth another look; 0: not known
  bool chunked_ = false;
  Answer answer_;
  unsigned served_ = 0;
  bool go_on_ = false;
  bool asked_for_body_ = false;
};

// Both a head and a body in chunks end so.
constexpr std::string_view kEmptyLine = "\r\n\r\n";

HttpReader::State LibraryReader::feed(std::string_view bytes) {
  in_ += bytes;
  if (wanted_ > 0) return in_.size() < wanted_ ? State::kMore : State::kServe;
  const auto end = in_.find(kEmptyLine, searched_);
  const std::size_t most = chunked_ ? kHeadBytesMax + 2 * rules_.options.body_max : kHeadBytesMax;
  if (end == std::string::npos ? in_.size() <= most : end + kEmptyLine.size() <= most) {
    searched_ = end == std::string::npos ? in_.size() - std::min(in_.size(), kEmptyLine.size() - 1)
                                         : end + kEmptyLine.size();
    return end == std::string::npos ? State::kMore : State::kServe;
  }
  int status = chunked_ ? 413 : 431;
  if (!chunked_ && in_.find('\n') > kHeadBytesMax) status = 414;
  answer_ = {http_answer(bare_http_refusal(rules_.options, status), false, false), false, true};
  in_.clear();
  return State::kAnswer;
}

HttpReader::State LibraryReader::serve(MonoTime arrived) {
  Bytes bytes(in_, peer_);
  Exchange exchange(rules_, peer_, bytes, arrived, served_);
  library().process(bytes, exchange);
  if (exchange.wants_more()) {
    chunked_ = exchange.is_chunked();
    wanted_ = chunked_ ? 0 : exchange.size();
    go_on_ = exchange.expects_continue() && !std::exchange(asked_for_body_, true);
    return State::kMore;
  }
  ++served_;
  answer_ = {bytes.take_out(), exchange.keeps(), exchange.is_unread()};
  in_.erase(0, answer_.keep ? exchange.size() : in_.size());
  searched_ = wanted_ = 0;
  chunked_ = asked_for_body_ = false;
  return State::kAnswer;
}

}  // namespace

std::unique_ptr<HttpReader> library_reader(const HttpRules& rules, HttpPeer peer) {
  return std::make_unique<LibraryReader>(rules, std::move(peer));
}

}  // namespace panshi
