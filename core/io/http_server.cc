// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_server.h"

#include <httplib.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/http_rules.h"
#include "core/io/log.h"
#include "core/json/fields.h"

namespace panshi {
namespace {

constexpr std::size_t kTargetBytesMax = 512;
constexpr std::size_t kWaitingMax = 1'024;  // accepted connections that no thread serves yet
constexpr int kBacklog = 1'024;             // the kernel's own queue before those
constexpr std::chrono::seconds kSocketTimeout{5};

const char* code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kRefused:
      return "refused";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kRefused:
      return 409;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kTimeout:
      return 504;
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

HttpResponse refusal(int status, ErrorCode code, std::string_view why) {
  return json_response({{"code", code_name(code)}, {"error", why}}, status);
}

HttpResponse bare_refusal(int status) {
  if (status == 404) return refusal(status, ErrorCode::kNotFound, "no such path");
  if (status >= 500) return refusal(status, ErrorCode::kInternal, "the server failed");
  return refusal(status, ErrorCode::kInvalid, "malformed request");
}

void write(const HttpResponse& from, httplib::Response& to) {
  to.status = from.status;
  to.set_content(from.body, from.content_type);
  to.set_header("X-Content-Type-Options", "nosniff");
  if (!from.headers.contains("Cache-Control")) to.set_header("Cache-Control", "no-store");
  for (const auto& [name, value] : from.headers) to.set_header(name, value);
  for (const std::string& cookie : from.cookies) to.set_header("Set-Cookie", cookie);
}

bool is_one_line(const HttpResponse& response) {
  const auto bad = [](const std::string& text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
  };
  if (bad(response.content_type)) return false;
  if (std::any_of(response.cookies.begin(), response.cookies.end(), bad)) return false;
  return std::none_of(response.headers.begin(), response.headers.end(),
                      [&](const auto& header) { return bad(header.first) || bad(header.second); });
}

// The path as sent, before any decoding.
std::string_view raw_path(const httplib::Request& request) {
  return std::string_view(request.target).substr(0, request.target.find_first_of("?#"));
}

// When the connection that this thread serves was accepted. The library hands nothing of ours from
// the queue to the handler.
thread_local MonoTime arrived_at;

// Threads with names, and a queue with an end: when it is full, connections wait in the kernel.
class Workers final : public httplib::TaskQueue {
 public:
  explicit Workers(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      threads_.emplace_back([this, i] {
        pthread_setname_np(pthread_self(), cat("http-", i).c_str());
        work();
      });
    }
  }

  void enqueue(std::function<void()> job) override {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return jobs_.size() < kWaitingMax; });
    jobs_.push_back([job = std::move(job), now = SystemClock().mono()] {
      arrived_at = now;
      job();
    });
    lock.unlock();
    work_.notify_one();  // never all: sixty threads would wake for one request
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void work() {
    while (true) {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      room_.notify_one();  // the acceptor is the only one who waits for it
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable work_;  // a job, or the end
  std::condition_variable room_;  // for one more job
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

// httplib::Server with a listening socket of our making: close-on-exec, a real backlog, no
// SO_REUSEPORT (with which a second server on the same port would not be noticed), errno kept.
class Listener final : public httplib::Server {
 public:
  Status bind(const std::string& address, std::uint16_t port);
  std::uint16_t port() const { return port_; }
  void serve(const std::atomic<bool>& stopping);
  void interrupt();  // any thread: serve() then returns if it is stopping
  void release();    // gives the port back

 private:
  // Kept beside the library's own copy, which it closes on any error of accept().
  struct Socket {
    int fd = -1;
    ~Socket() {
      if (fd >= 0) ::close(fd);
    }
  };
  Socket socket_;
  std::uint16_t port_ = 0;
};

Status Listener::bind(const std::string& address, std::uint16_t port) {
  const std::string place = address.find(':') == std::string::npos ? cat(address, ":", port)
                                                                   : cat("[", address, "]:", port);
  addrinfo wanted = {};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &wanted, &list) != 0) {
    return fail(ErrorCode::kInvalid, cat(address, " is not an address to listen on"));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> found(list, freeaddrinfo);
  socket_.fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  sockaddr_storage bound = {};
  socklen_t bound_size = sizeof bound;
  auto* const bound_to = reinterpret_cast<sockaddr*>(&bound);
  const bool listening =
      socket_.fd >= 0 && setsockopt(socket_.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      ::bind(socket_.fd, found->ai_addr, found->ai_addrlen) == 0 &&
      ::listen(socket_.fd, kBacklog) == 0 && getsockname(socket_.fd, bound_to, &bound_size) == 0;
  if (!listening) {
    if (errno == EADDRINUSE) return fail(ErrorCode::kConflict, cat(place, " is taken"));
    return fail(ErrorCode::kUnavailable, cat("listen on ", place, ": ", std::strerror(errno)));
  }
  // The port is at the same place in both families.
  port_ = ntohs(reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
  return {};
}

void Listener::serve(const std::atomic<bool>& stopping) {
  while (!stopping) {
    svr_sock_ = ::fcntl(socket_.fd, F_DUPFD_CLOEXEC, 0);
    if (svr_sock_ >= 0) listen_after_bind();
    if (stopping) return;
    log_error(cat("accept on port ", port_, " failed, going on: ", std::strerror(errno)));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

void Listener::interrupt() {
  stop();
  // Also between two rounds of serve(), when the library is not running and ignores stop().
  ::shutdown(socket_.fd, SHUT_RDWR);
}

void Listener::release() { ::close(std::exchange(socket_.fd, -1)); }

}  // namespace

HttpResponse json_response(const nlohmann::json& json, int status) {
  HttpResponse response;
  response.status = status;
  response.body = dump_json(json);
  return response;
}

HttpResponse error_response(const Error& error) {
  return refusal(status_of(error.code), error.code, error.message);
}

struct HttpServer::Impl {
  struct Route {
    Handler handler;
    bool open;
    std::string pattern;
  };

  explicit Impl(Options given) : options(std::move(given)) {}

  void add(std::string method, std::string pattern, Handler handler, bool open);
  Status start();
  void stop();
  void set_up();

  // Everything that can be refused before the body is read.
  std::optional<HttpResponse> guard(const httplib::Request& request) const;
  std::optional<HttpResponse> guard_host(const httplib::Request& request) const;
  std::optional<HttpResponse> guard_body(const httplib::Request& request) const;
  std::optional<HttpResponse> guard_route(const httplib::Request& request) const;
  bool has_token(const httplib::Request& request) const;
  void serve(const httplib::Request& from, std::string body, httplib::Response& to) const;

  const Options options;
  HttpRoutes paths;
  std::vector<Route> routes;
  Around around = [](const HttpRequest& request, const std::string&, const Handler& handler) {
    return handler(request);
  };
  Listener server;
  std::thread acceptor;
  std::atomic<bool> stopping = false;
};

std::optional<HttpResponse> HttpServer::Impl::guard(const httplib::Request& request) const {
  if (stopping) return refusal(503, ErrorCode::kUnavailable, "stopping");
  if (request.target.size() > kTargetBytesMax) {
    return refusal(414, ErrorCode::kInvalid, cat("the path is over ", kTargetBytesMax, " bytes"));
  }
  if (auto refused = guard_host(request)) return refused;
  if (request.has_header("Range")) {
    return refusal(416, ErrorCode::kInvalid, "ranges are not served");
  }
  if (auto refused = guard_body(request)) return refused;
  return guard_route(request);
}

std::optional<HttpResponse> HttpServer::Impl::guard_host(const httplib::Request& request) const {
  const std::string host = request.get_header_value("Host");
  if (request.get_header_value_count("Host") != 1 ||
      !is_our_host(host, options.address, options.allowed_hosts)) {
    return refusal(403, ErrorCode::kRefused, "the Host header names another server");
  }
  if (request.has_header("Origin") && (request.get_header_value_count("Origin") != 1 ||
                                       !is_same_origin(request.get_header_value("Origin"), host))) {
    return refusal(403, ErrorCode::kRefused, "the Origin is another site");
  }
  return std::nullopt;
}

std::optional<HttpResponse> HttpServer::Impl::guard_body(const httplib::Request& request) const {
  if (request.has_header("Transfer-Encoding") || request.has_header("Content-Encoding") ||
      request.is_multipart_form_data()) {
    return refusal(415, ErrorCode::kInvalid,
                   "only plain bodies are read: not chunked, encoded "
                   "or in parts");
  }
  const auto count = request.get_header_value_count("Content-Length");
  const bool bodiless =
      request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
  if (count == 0 && !bodiless) {
    return refusal(411, ErrorCode::kInvalid, "Content-Length is missing (0 for no body)");
  }
  if (count == 0) return std::nullopt;
  const auto length = content_length(request.get_header_value("Content-Length"));
  if (count > 1 || !length) {
    return refusal(400, ErrorCode::kInvalid, "Content-Length is not one number");
  }
  if (*length > options.body_max) {
    return refusal(413, ErrorCode::kInvalid, cat("the body is over ", options.body_max, " bytes"));
  }
  return std::nullopt;
}

std::optional<HttpResponse> HttpServer::Impl::guard_route(const httplib::Request& request) const {
  const HttpRoutes::Match match = paths.find(request.method, raw_path(request));
  const bool open = match.route && routes[*match.route].open;
  if (!open && !has_token(request)) {
    HttpResponse response = json_response(
        {{"code", "unauthorized"}, {"error", "wants Authorization: Bearer <token>"}}, 401);
    response.headers["WWW-Authenticate"] = "Bearer";
    return response;
  }
  if (match.route) return std::nullopt;
  if (match.allowed.empty()) return bare_refusal(404);
  HttpResponse response =
      refusal(405, ErrorCode::kInvalid, cat("this path is for ", match.allowed));
  response.headers["Allow"] = match.allowed;
  return response;
}

bool HttpServer::Impl::has_token(const httplib::Request& request) const {
  if (options.token.empty()) return true;
  return request.get_header_value_count("Authorization") == 1 &&
         equal_in_constant_time(request.get_header_value("Authorization"),
                                "Bearer " + options.token);
}

namespace {

// Names that the library adds to what the client sent, and does not keep apart from it.
bool is_added(std::string_view name) {
  return name == "remote_addr" || name == "remote_port" || name == "local_addr" ||
         name == "local_port";
}

HttpRequest to_request(const httplib::Request& from, std::string body,
                       std::vector<std::string> captures) {
  HttpRequest request;
  request.method = from.method;
  request.path = std::string(raw_path(from));
  request.captures = std::move(captures);
  request.body = std::move(body);
  request.remote_address = from.remote_addr;
  request.arrived = arrived_at;
  for (const auto& [name, value] : from.params) request.query.emplace(name, value);
  for (const auto& [name, value] : from.headers) {
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!is_added(lower)) request.headers.emplace(std::move(lower), value);
  }
  return request;
}

}  // namespace

void HttpServer::Impl::serve(const httplib::Request& from, std::string body,
                             httplib::Response& to) const {
  HttpRoutes::Match match = paths.find(from.method, raw_path(from));
  if (!match.route) return write(bare_refusal(404), to);  // the guard let it pass: cannot be
  HttpResponse response;
  try {
    const Route& route = routes[*match.route];
    const HttpRequest request = to_request(from, std::move(body), std::move(match.captures));
    response = around(request, route.pattern, route.handler);
    if (!is_one_line(response)) throw std::runtime_error("a line break in a response header");
  } catch (const std::exception& problem) {
    log_error(cat(from.method, " ", raw_path(from), ": ", problem.what()));
    response = bare_refusal(500);
  } catch (...) {
    log_error(cat(from.method, " ", raw_path(from), ": unknown exception"));
    response = bare_refusal(500);
  }
  write(response, to);
}

void HttpServer::Impl::set_up() {
  server.new_task_queue = [this] { return new Workers(std::max(1U, options.threads)); };
  server.set_keep_alive_max_count(1);  // a refused body is never read as the next request
  server.set_keep_alive_timeout(1);    // how long a connection may stay silent
  server.set_read_timeout(kSocketTimeout);
  server.set_write_timeout(kSocketTimeout);
  server.set_payload_max_length(options.body_max);
  server.set_tcp_nodelay(true);
  server.set_pre_routing_handler([this](const auto& request, httplib::Response& response) {
    const auto refused = guard(request);
    if (!refused) return httplib::Server::HandlerResponse::Unhandled;
    // The library would cut even the refusal into the ranges asked for, hundreds of times over. It
    // hands out its own mutable request as const.
    const_cast<httplib::Request&>(request).ranges.clear();
    write(*refused, response);
    return httplib::Server::HandlerResponse::Handled;
  });
  server.set_error_handler([](const auto&, httplib::Response& response) {
    if (response.body.empty()) write(bare_refusal(response.status), response);
  });
  server.set_exception_handler([](const auto&, httplib::Response& response, std::exception_ptr) {
    write(bare_refusal(500), response);
  });

  const auto plain = [this](const httplib::Request& request, httplib::Response& response) {
    serve(request, "", response);
  };
  // With a content reader the library leaves the body alone: no forms, no limits but ours.
  const auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                                const httplib::ContentReader& reader) {
    std::string body;
    const bool whole = reader([&](const char* data, std::size_t size) {
      body.append(data, size);
      return body.size() <= options.body_max;
    });
    if (!whole)
      return write(bare_refusal(response.status >= 400 ? response.status : 400), response);
    serve(request, std::move(body), response);
  };
  server.Get(".*", plain).Options(".*", plain);
  server.Post(".*", with_body).Put(".*", with_body);
  server.Patch(".*", with_body).Delete(".*", with_body);
}

void HttpServer::Impl::add(std::string method, std::string pattern, Handler handler, bool open) {
  CHECK_BUG(!acceptor.joinable());
  CHECK_BUG(paths.add(std::move(method), pattern) == routes.size());
  routes.push_back({std::move(handler), open, std::move(pattern)});
}

Status HttpServer::Impl::start() {
  CHECK_BUG(!acceptor.joinable() && !stopping);
  if (auto bound = server.bind(options.address, options.port); !bound) return bound;
  set_up();
  acceptor = std::thread([this] {
    pthread_setname_np(pthread_self(), "http-accept");
    server.serve(stopping);
  });
  while (!server.is_running()) std::this_thread::yield();  // else stop() would do nothing
  return {};
}

void HttpServer::Impl::stop() {
  stopping = true;
  if (!acceptor.joinable()) return;
  server.interrupt();
  acceptor.join();
  server.release();
}

HttpServer::HttpServer(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpServer::~HttpServer() { stop(); }

void HttpServer::route(std::string method, std::string pattern, Handler handler) {
  impl_->add(std::move(method), std::move(pattern), std::move(handler), false);
}
void HttpServer::route_open(std::string method, std::string pattern, Handler handler) {
  impl_->add(std::move(method), std::move(pattern), std::move(handler), true);
}
void HttpServer::set_around(Around around) {
  CHECK_BUG(!impl_->acceptor.joinable());
  impl_->around = std::move(around);
}
Status HttpServer::start() { return impl_->start(); }
std::uint16_t HttpServer::port() const { return impl_->server.port(); }
void HttpServer::stop() { impl_->stop(); }

}  // namespace panshi
