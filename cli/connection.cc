// SPDX-License-Identifier: Apache-2.0
#include "cli/connection.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "cli/exit_codes.h"
#include "cli/lab/lab_record.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/local_socket.h"
#include "core/io/trusted_path.h"
#include "core/json/fields.h"

namespace panshi::cli {
namespace {

constexpr std::size_t kAnswerMax = 64 << 20;
constexpr std::size_t kTlsFileMax = 1 << 20;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

constexpr std::string_view kUnix = "unix:";

bool may_open(const std::filesystem::path& file) {
  return ::access(file.c_str(), R_OK | W_OK) == 0 || errno != EACCES;
}

// The socket of a controller on this machine.
Result<std::string> local_controller(const std::filesystem::path& state) {
  std::string hint;
  for (const auto& folder : {state, std::filesystem::path(Connection::kDefaultState)}) {
    const std::filesystem::path socket = folder / kControllerSocket;
    if (::access(socket.c_str(), R_OK | W_OK) == 0) {
      // Who may put one there says what a controller says, to root as well.
      if (auto ours = check_trusted(socket); !ours) return tl::unexpected(ours.error());
      return cat(kUnix, socket.string());
    }
    if (errno == EACCES) hint = cat("; ", folder.string(), " is for another user: sudo");
  }
  return fail(
      ErrorCode::kUnavailable,
      cat("no controller: there is no lab in ", state.string(),
          " (panshi lab up), and neither --controller nor PANSHI_CONTROLLER is given", hint));
}

// The library that calls would only say that it cannot load one of them.
Status check_files(const TlsFiles& tls) {
  for (const auto& file : {tls.authority, tls.certificate}) {
    if (file.empty()) continue;
    ASSIGN_OR_RETURN(const std::string pem, read_file(file, kTlsFileMax));
    const auto about = read_certificate(pem);
    if (!about) {
      return fail(ErrorCode::kInvalid, cat(file.string(), " is not a certificate in PEM"));
    }
    if (about->until <= wall_now()) {
      const bool own = file == tls.certificate;
      return fail(own ? ErrorCode::kRefused : ErrorCode::kInvalid,
                  cat(file.string(), ": expired on ", utc_minute(about->until),
                      ": panshi tls renew ", own ? about->peer : "authority"));
    }
  }
  if (!tls.key.empty()) {
    if (auto key = read_file(tls.key, kTlsFileMax); !key) return tl::unexpected(key.error());
  }
  return {};
}

Error no_controller(const std::string& url, int status) {
  return {ErrorCode::kUnavailable,
          cat(url, " answered (HTTP ", status, "), and not as a controller does: ",
              url.starts_with("http://") && status == 400 ? "does it want https://?"
                                                          : "is it the right address?")};
}

// {"code","error"} of a refused call; whoever answers otherwise is no controller.
Error refusal(const std::string& url, const HttpReply& reply) {
  const Result<nlohmann::json> body = parse_json(reply.body, 4 << 20);
  const auto word = [&](const char* key) {
    return body && body->is_object() && body->contains(key) && (*body)[key].is_string()
               ? (*body)[key].get<std::string>()
               : std::string();
  };
  const std::string text = word("error");
  if (text.empty() || word("code").empty()) return no_controller(url, reply.status);
  if (word("code") == "over") return {ErrorCode::kOver, text};
  switch (reply.status) {
    case 400:
      return {ErrorCode::kInvalid, text};
    case 401:
      return {ErrorCode::kRefused, "the controller does not accept who calls: " + text};
    case 403:
      return {ErrorCode::kRefused, text};
    case 404:
      return {ErrorCode::kNotFound, text};
    case 409:
      return {ErrorCode::kConflict, text};
    case 503:
      return {ErrorCode::kUnavailable, text};
    case 504:
      return {ErrorCode::kTimeout, text};
    default:
      return {ErrorCode::kInternal, text};
  }
}

// Where the controller is, and by what it is proven to be that; `token_file`: what goes with it
// when nobody says who calls.
struct Place {
  std::string url;
  std::string token_file;
  std::string authority;
  bool is_over_tls() const { return url.starts_with("https://"); }
};

Result<Place> place_of(const Invocation& invocation) {
  Place place{.url = invocation.text("--controller", environment("PANSHI_CONTROLLER")),
              .token_file = invocation.text("--token-file", environment("PANSHI_TOKEN_FILE")),
              .authority = invocation.text("--authority", environment("PANSHI_AUTHORITY"))};
  if (place.url.empty() || place.token_file.empty() || place.authority.empty()) {
    const Result<LabRecord> lab = read_lab_record(state_directory(invocation));
    if (!lab && lab.error().code == ErrorCode::kRefused) return tl::unexpected(lab.error());
    if (!lab && place.url.empty()) {
      ASSIGN_OR_RETURN(place.url, local_controller(state_directory(invocation)));
    }
    if (lab && place.url.empty()) place.url = lab->controller_url;
    if (lab && place.url == lab->controller_url) {
      if (place.token_file.empty()) place.token_file = lab->controller_token_file;
      if (place.authority.empty()) place.authority = lab->authority;
    }
  }
  if (place.url == kUnix) {
    return fail(ErrorCode::kInvalid,
                "--controller unix: wants the path of a socket: unix:STATE/controller.sock");
  }
  if (!place.is_over_tls() && !place.url.starts_with("http://") && !place.url.starts_with(kUnix)) {
    return fail(ErrorCode::kInvalid,
                cat("`", place.url, "` is not https://HOST:PORT, http://HOST:PORT or unix:FILE"));
  }
  return place;
}

// Who calls: by a token or by a certificate.
struct Caller {
  std::string token_file = {};
  std::string certificate = {};
  std::string key = {};
};

Result<Caller> caller_of(const Invocation& invocation, const Place& place) {
  const bool by_token = invocation.has("--token-file");
  const bool by_certificate = invocation.has("--certificate");
  if (by_token && by_certificate) {
    return fail(ErrorCode::kInvalid, "--token-file or --certificate: one says who you are");
  }
  if (by_certificate && !place.is_over_tls()) {
    return fail(ErrorCode::kInvalid, cat("--certificate wants https://, and not ", place.url));
  }
  Caller caller;
  if (place.is_over_tls() && !by_token) {
    caller.certificate = invocation.text("--certificate", environment("PANSHI_CERTIFICATE"));
  }
  if (caller.certificate.empty()) caller.token_file = place.token_file;
  if (caller.token_file.empty() && caller.certificate.empty()) {
    return fail(ErrorCode::kRefused,
                cat("no token: give --token-file or PANSHI_TOKEN_FILE",
                    place.is_over_tls() ? ", or a certificate of yours with --certificate" : ""));
  }
  if (is_clear_beyond_host(place.url) && !invocation.has("--insecure")) {
    return fail(ErrorCode::kRefused,
                cat("no token was sent: ", place.url,
                    " is another host, and whoever reads that network would read the token: use "
                    "https://, or --insecure"));
  }
  // Nobody shall get the token who cannot prove to be the controller.
  if (place.is_over_tls() && place.authority.empty()) {
    return fail(ErrorCode::kRefused,
                cat(place.url,
                    " is proven by a certificate: say who signs it, with --authority FILE or "
                    "PANSHI_AUTHORITY (ca.crt of panshi tls init)"));
  }
  if (!caller.certificate.empty()) {
    caller.key = invocation.text("--key", environment("PANSHI_KEY"));
    if (caller.key.empty()) {
      caller.key = std::filesystem::path(caller.certificate).replace_extension(".key").string();
    }
  }
  return caller;
}

}  // namespace

std::filesystem::path state_directory(const Invocation& invocation) {
  std::string named = invocation.text("--state");
  if (named.empty()) named = environment("PANSHI_STATE");
  if (named.empty()) named = ".panshi";
  const std::filesystem::path path = std::filesystem::absolute(named).lexically_normal();
  return path.has_filename() ? path : path.parent_path();  // "lab/" is "lab"
}

Connection::Connection(std::string url, std::string token, std::optional<TlsFiles> tls,
                       std::optional<std::uint32_t> token_owner)
    : url_(std::move(url)),
      token_(std::move(token)),
      token_owner_(token_owner),
      client_(std::make_unique<HttpClient>()) {
  if (tls) tls_ = std::make_shared<const TlsFiles>(*std::move(tls));
  while (!url_.empty() && url_.back() == '/') url_.pop_back();
  const bool local = url_.starts_with(kUnix);
  if (local) socket_ = std::filesystem::absolute(url_.substr(kUnix.size()));
  base_ = local ? "http://localhost" : url_;
}

Result<Connection> Connection::find(const Invocation& invocation) {
  ASSIGN_OR_RETURN(Place place, place_of(invocation));
  if (place.url.starts_with(kUnix)) return Connection(std::move(place.url), "");
  ASSIGN_OR_RETURN(const Caller caller, caller_of(invocation, place));
  std::string token;
  if (!caller.token_file.empty()) {
    auto read = read_token(caller.token_file);
    if (!read) return fail(ErrorCode::kRefused, cat("token: ", read.error().message));
    token = *std::move(read);
  }
  const auto owner = owner_of(caller.token_file);
  if (!place.is_over_tls()) return Connection(std::move(place.url), std::move(token), {}, owner);
  TlsFiles tls{caller.certificate, caller.key, place.authority};
  if (Status good = check_files(tls); !good) return tl::unexpected(good.error());
  return Connection(std::move(place.url), std::move(token), std::move(tls), owner);
}

Result<std::string> Connection::call(HttpCall call) {
  call.token = token_;
  call.token_owner = token_owner_;
  call.tls = tls_;
  if (tls_) call.peer = "controller/";
  call.unix_socket = socket_;
  call.body_max = kAnswerMax;
  Result<HttpReply> reply = client_->send(call);
  if (!reply && !socket_.empty() && !may_open(socket_)) {
    return fail(ErrorCode::kRefused,
                cat(url_, ": only root and the user whose controller it is may open it: sudo"));
  }
  if (!reply) {
    const bool not_ours = reply.error().message.find(kCertificateNotAccepted) != std::string::npos;
    return fail(not_ours ? ErrorCode::kRefused : reply.error().code,
                cat("controller ", url_, ": ", reply.error().message));
  }
  if (reply->status >= 200 && reply->status < 300) return std::move(reply->body);
  return tl::unexpected<Error>(refusal(url_, *reply));
}

Result<nlohmann::json> Connection::json_in(const std::string& answer) const {
  auto json = parse_json(answer, kAnswerMax);
  if (!json) return tl::unexpected<Error>(no_controller(url_, 200));
  return json;
}

Result<nlohmann::json> Connection::get(const std::string& path, Duration timeout) {
  HttpCall request;
  request.url = base_ + path;
  request.timeout = timeout;
  ASSIGN_OR_RETURN(const std::string body, call(std::move(request)));
  return json_in(body);
}

Result<std::string> Connection::get_text(const std::string& path) {
  HttpCall request;
  request.url = base_ + path;
  request.timeout = std::chrono::seconds(30);
  return call(std::move(request));
}

Result<nlohmann::json> Connection::post(const std::string& path, const nlohmann::json& body) {
  HttpCall request;
  request.method = "POST";
  request.url = base_ + path;
  request.body = dump_json(body);
  request.timeout = std::chrono::seconds(15);
  ASSIGN_OR_RETURN(const std::string answer, call(std::move(request)));
  if (answer.empty()) return nlohmann::json::object();
  return json_in(answer);
}

int report_error(Invocation& invocation, const Error& error) {
  if (invocation.json) invocation.terminal.document({{"error", error.message}});
  invocation.terminal.error(error.message);
  return exit_code_of(error);
}

int with_controller(Invocation& invocation, int (*body)(Invocation&, Connection&)) {
  Result<Connection> connection = Connection::find(invocation);
  if (!connection) return report_error(invocation, connection.error());
  try {
    return body(invocation, *connection);
  } catch (const nlohmann::json::exception& odd) {  // whoever answers so is none, or a newer one
    return report_error(invocation,
                        {ErrorCode::kInternal,
                         cat(connection->url(), ": the answer is not as expected: ", odd.what())});
  }
}

}  // namespace panshi::cli
