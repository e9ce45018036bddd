// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_transfer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/listen_security.h"
#include "core/io/peer_user.h"

namespace panshi {
namespace {

EasyHandle make_easy() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK_BUG(ready == CURLE_OK);
  EasyHandle easy(curl_easy_init());
  CHECK_BUG(easy != nullptr);
  return easy;
}

// A server may go on with headers for ever, and libcurl keeps them all.
std::size_t count_head(char*, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<HttpTransfer*>(user);
  transfer.head_bytes += size;
  transfer.too_large = transfer.head_bytes > kHttpHeadMax;
  return transfer.too_large ? 0 : size;
}

std::size_t keep_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<HttpTransfer*>(user);
  if (transfer.body.size() + size > transfer.call.body_max) {
    transfer.too_large = true;
    return 0;
  }
  transfer.body.append(data, size);
  return size;
}

// Rounded up: 0 would mean no limit.
long milliseconds(Duration duration) {
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return static_cast<long>(std::clamp<std::int64_t>(rounded, 1, 24 * 3'600'000));
}

long seconds(Duration duration) {
  return static_cast<long>(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

// Of the connection, in seconds, at most; below 1: a new one, which nobody else uses. libcurl
// counts whole seconds: a connection as old as `opened_since` in these counts as from before.
long life_of(const HttpCall& call) {
  const long life = seconds(call.life_max);
  if (!call.opened_since) return life;
  const Duration past = mono_now() - *call.opened_since;
  return std::min(life,
                  static_cast<long>(std::chrono::floor<std::chrono::seconds>(past).count()) - 1);
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  CHECK_BUG(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

bool is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Whether one byte of the request may have left, on any connection.
bool was_sent(CURL* easy) {
  long bytes = 0;
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &bytes);
  return bytes > 0;
}

bool has_no_effect(const HttpCall& call) {
  return call.method == "GET" || call.method == "HEAD" || call.method == "OPTIONS";
}

bool may_be_repeated(const HttpCall& call) {
  if (has_no_effect(call)) return true;
  return std::any_of(call.headers.begin(), call.headers.end(), [](const auto& header) {
    return curl_strequal(header.first.c_str(), "idempotency-key") != 0;
  });
}

// In the clear, and on this machine, where the kernel says whose process holds the other end.
bool may_hear_token(HttpTransfer& transfer, const TcpEnd& peer, const TcpEnd& own) {
  const HttpCall& call = transfer.call;
  if (call.token.empty() || call.tls || call.web || !call.unix_socket.empty()) return true;
  // A new connection is asked for even when it has the port of one that was proven.
  long opened = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_NUM_CONNECTS, &opened);
  const bool is_proven = opened == 0 && transfer.proven_port == own.port;
  // Whoever calls one of this machine's own addresses has it at both ends.
  const bool is_here = is_loopback(peer.address) || peer.address == own.address;
  if (!is_here || is_proven) return true;
  const auto holder = user_of_server(peer, own);
  const bool trusted =
      holder && (*holder == 0 || *holder == ::geteuid() || *holder == call.token_owner);
  if (trusted) {
    transfer.proven_port = own.port;
  } else {
    transfer.refused =
        cat("nothing was sent: port ", peer.port, " is held by ",
            holder ? cat("user ", *holder) : std::string("nobody we can tell"),
            ", who is neither root nor you nor the owner of the token's file; https:// proves who "
            "it is, and so does a Unix socket");
  }
  return trusted;
}

// Before each sending. curl by itself sends a request again when a kept connection breaks before a
// byte of the answer, be it a payment and the server one that died of it.
int allow_sending(void* user, char* peer, char* own, int peer_port, int own_port) {
  auto& transfer = *static_cast<HttpTransfer*>(user);
  if (!may_hear_token(transfer, {peer, static_cast<std::uint16_t>(peer_port)},
                      {own, static_cast<std::uint16_t>(own_port)})) {
    return CURL_PREREQFUNC_ABORT;
  }
  const bool again = was_sent(transfer.easy.get());
  transfer.repeated = transfer.repeated || again;
  return again && !may_be_repeated(transfer.call) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

Status check_call(const HttpCall& call) {
  bool plain = is_one_line(call.url) && is_one_line(call.token);
  for (const auto& [name, value] : call.headers) {
    plain = plain && is_one_line(value) && is_one_line(name) &&
            name.find_first_of(": ") == std::string::npos && !name.empty();
  }
  const bool method =
      !call.method.empty() && std::all_of(call.method.begin(), call.method.end(),
                                          [](char c) { return c >= 'A' && c <= 'Z'; });
  if (plain && method) return {};
  return fail(ErrorCode::kInvalid, cat("malformed HTTP call, ", method ? "method" : "method word",
                                       ", URL or header with a control character"));
}

void append(HeaderList& list, const std::string& line) {
  curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
  CHECK_BUG(longer != nullptr);
  static_cast<void>(list.release());
  list.reset(longer);
}
void add_header(HttpTransfer& transfer, const std::string& line) { append(transfer.headers, line); }

Status prepare_local(HttpTransfer& transfer) {
  transfer.local.reset();
  if (transfer.call.unix_socket.empty()) return {};
  ASSIGN_OR_RETURN(LocalPath path, LocalPath::of(transfer.call.unix_socket));
  transfer.local.emplace(std::move(path));
  set(transfer.easy.get(), CURLOPT_UNIX_SOCKET_PATH, transfer.local->text().c_str());
  return {};
}

void prepare_headers(HttpTransfer& transfer) {
  const HttpCall& call = transfer.call;
  transfer.headers.reset();
  add_header(transfer, "Expect:");  // a round trip saved
  const bool typed = std::any_of(call.headers.begin(), call.headers.end(), [](const auto& header) {
    return curl_strequal(header.first.c_str(), "content-type") != 0;
  });
  if (!typed) {
    add_header(transfer, call.body.empty() ? "Content-Type:" : "Content-Type: application/json");
  }
  if (!call.token.empty()) add_header(transfer, "Authorization: Bearer " + call.token);
  for (const auto& [name, value] : call.headers) {
    add_header(transfer, value.empty() ? name + ";" : cat(name, ": ", value));
  }
  set(transfer.easy.get(), CURLOPT_HTTPHEADER, transfer.headers.get());
}

// The url with the name that is asked for in the place of the address that is called.
Result<std::string> url_by_name(HttpTransfer& transfer) {
  const HttpCall& call = transfer.call;
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), curl_url_cleanup);
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    const CURLUcode code = curl_url_get(url.get(), which, &text, CURLU_DEFAULT_PORT);
    const std::unique_ptr<char, void (*)(void*)> owner(text, curl_free);
    return code == CURLUE_OK ? std::string(text) : std::string();
  };
  if (curl_url_set(url.get(), CURLUPART_URL, call.url.c_str(), 0) != CURLUE_OK) {
    return fail(ErrorCode::kInvalid, cat(call.url, " is not a url"));
  }
  append(transfer.connect_to, cat("::", part(CURLUPART_HOST), ":", part(CURLUPART_PORT)));
  if (curl_url_set(url.get(), CURLUPART_HOST, call.server_name.c_str(), 0) != CURLUE_OK) {
    return fail(ErrorCode::kInvalid, cat(call.server_name, " is not the name of a server"));
  }
  return part(CURLUPART_URL);
}

bool is_over_tls(const HttpCall& call) { return call.tls != nullptr || call.web != nullptr; }

// libcurl knows names and addresses; who somebody is to us stands in another field.
CURLcode expect_peer(CURL*, void* context, void* user) {
  auto& transfer = *static_cast<HttpTransfer*>(user);
  require_tls_peer(context, transfer.call.peer, transfer.refused);
  return CURLE_OK;
}

void trust(CURL* easy, const TlsFiles& files) {
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_3));
  set(easy, CURLOPT_CAINFO, files.authority.c_str());
  set(easy, CURLOPT_CAPATH, static_cast<char*>(nullptr));
  if (!files.certificate.empty()) {
    set(easy, CURLOPT_SSLCERT, files.certificate.c_str());
    set(easy, CURLOPT_SSLKEY, files.key.c_str());
  }
  if (!files.revoked.empty()) set(easy, CURLOPT_CRLFILE, files.revoked.c_str());
  set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
}

void trust(CURL* easy, const WebTrust& web) {
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!web.authority.empty()) {
    set(easy, CURLOPT_CAINFO, web.authority.c_str());
    set(easy, CURLOPT_CAPATH, static_cast<char*>(nullptr));
  }
  set(easy, CURLOPT_SSL_VERIFYPEER, web.unchecked ? 0L : 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, web.unchecked ? 0L : 2L);
}

// As soon as there is a socket. What it sends when it is closed is a reset.
int end_with_reset(void*, curl_socket_t socket, curlsocktype) {
  const linger reset{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  return CURL_SOCKOPT_OK;
}

Status prepare_tls(HttpTransfer& transfer) {
  const HttpCall& call = transfer.call;
  CURL* const easy = transfer.easy.get();
  transfer.connect_to.reset();
  set(easy, CURLOPT_PROTOCOLS_STR, is_over_tls(call) ? "https" : "http");
  if (!is_over_tls(call)) return {};
  if (call.tls) {
    trust(easy, *call.tls);
    if (!call.peer.empty()) {
      set(easy, CURLOPT_SSL_CTX_FUNCTION, &expect_peer);
      set(easy, CURLOPT_SSL_CTX_DATA, &transfer);
    }
  } else {
    trust(easy, *call.web);
  }
  // Each connection is proven anew, by what the files say then.
  set(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  set(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
  if (call.server_name.empty()) return {};
  ASSIGN_OR_RETURN(const std::string url, url_by_name(transfer));
  set(easy, CURLOPT_CONNECT_TO, transfer.connect_to.get());
  set(easy, CURLOPT_URL, url.c_str());
  return {};
}

ErrorCode code_of(CURLcode code, const HttpTransfer& transfer) {
  if (!transfer.refused.empty()) return ErrorCode::kUnavailable;  // never sent
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return ErrorCode::kInvalid;
    case CURLE_WRITE_ERROR:
      return transfer.too_large ? ErrorCode::kRefused : ErrorCode::kTimeout;
    default:
      return was_sent(transfer.easy.get()) ? ErrorCode::kTimeout : ErrorCode::kUnavailable;
  }
}

std::string with_system_error(const HttpTransfer& transfer, const std::string& text) {
  long number = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_OS_ERRNO, &number);
  return number == 0 ? text : cat(text, ": ", std::strerror(static_cast<int>(number)));
}

// Only over TLS is there more to say than the code does: whose certificate is wrong, and how.
std::string why_not(CURLcode code, const HttpTransfer& transfer) {
  if (transfer.too_large) return "the answer is too large";
  if (!transfer.refused.empty()) return transfer.refused;
  const std::string plain = curl_easy_strerror(code);
  if (code == CURLE_COULDNT_CONNECT) return with_system_error(transfer, plain);
  if (!is_over_tls(transfer.call)) return plain;
  // Who does not accept a certificate says so after the hands are shaken, which then breaks a call.
  const bool broke = transfer.call.tls && (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR);
  if (broke && !transfer.call.tls->certificate.empty()) {
    return cat(kCertificateNotAccepted,
               " (expired, revoked, or of another authority), or ended: ", plain);
  }
  const std::string detail = transfer.error.data();
  return detail.empty() ? plain : detail;
}

}  // namespace

HttpTransfer::HttpTransfer() : easy(make_easy()) {}

Status prepare(HttpTransfer& transfer, HttpCall call) {
  if (auto fine = check_call(call); !fine) return fine;
  transfer.call = std::move(call);
  transfer.body.clear();
  transfer.head_bytes = 0;
  transfer.too_large = false;
  transfer.repeated = false;
  transfer.refused.clear();
  transfer.error.front() = '\0';
  CURL* const easy = transfer.easy.get();
  curl_easy_reset(easy);
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_ERRORBUFFER, transfer.error.data());
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PROXY, "");
  set(easy, CURLOPT_TCP_NODELAY, 1L);
  set(easy, CURLOPT_MAXAGE_CONN, seconds(kHttpIdleMax));
  const long life = life_of(transfer.call);
  const bool too_young = life < 1;
  set(easy, CURLOPT_MAXLIFETIME_CONN, std::max(1L, life));  // 0 would be for ever
  set(easy, CURLOPT_FORBID_REUSE, too_young ? 1L : 0L);
  const bool fresh = transfer.call.new_connection || transfer.call.one_off || too_young;
  set(easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
  if (transfer.call.one_off) {
    set(easy, CURLOPT_FORBID_REUSE, 1L);
    set(easy, CURLOPT_SOCKOPTFUNCTION, &end_with_reset);
  }
  set(easy, CURLOPT_PREREQFUNCTION, &allow_sending);
  set(easy, CURLOPT_PREREQDATA, &transfer);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(transfer.call.connect_timeout));
  set(easy, CURLOPT_TIMEOUT_MS, milliseconds(transfer.call.timeout));
  set(easy, CURLOPT_HEADERFUNCTION, &count_head);
  set(easy, CURLOPT_HEADERDATA, &transfer);
  set(easy, CURLOPT_WRITEFUNCTION, &keep_body);
  set(easy, CURLOPT_WRITEDATA, &transfer);
  set(easy, CURLOPT_URL, transfer.call.url.c_str());
  const std::string& from = transfer.call.local_address;
  if (!from.empty()) set(easy, CURLOPT_INTERFACE, cat("host!", from).c_str());
  if (auto ready = prepare_tls(transfer); !ready) return ready;
  if (auto ready = prepare_local(transfer); !ready) return ready;
  const std::string& method = transfer.call.method;
  if (method == "HEAD") {
    set(easy, CURLOPT_NOBODY, 1L);
  } else if (method != "GET" || !transfer.call.body.empty()) {
    // Also without a body: a server may want to hear that its length is 0.
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.call.body.size()));
    set(easy, CURLOPT_POSTFIELDS, transfer.call.body.c_str());
    set(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
  }
  prepare_headers(transfer);
  return {};
}

Result<HttpReply> finish(CURLcode code, HttpTransfer& transfer) {
  CURL* const easy = transfer.easy.get();
  if (code != CURLE_OK) {
    return fail(code_of(code, transfer),
                cat(transfer.call.method, " ", transfer.call.url, ": ", why_not(code, transfer)));
  }
  long status = 0;
  curl_off_t took_us = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took_us);
  // "Nothing was done" is true of the repeat alone: the first may have been acted on.
  const bool refused = status == 429 || status >= 500;
  if (transfer.repeated && refused && !has_no_effect(transfer.call)) {
    return fail(
        ErrorCode::kTimeout,
        cat(transfer.call.method, " ", transfer.call.url,
            ": the connection broke after it was sent, and its repeat was answered with ", status));
  }
  long connects = 0;
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
  HttpReply reply{static_cast<int>(status), std::move(transfer.body), Duration(took_us),
                  connects > 0};
  const std::string& kept = transfer.call.keep_header;
  curl_header* header = nullptr;
  if (!kept.empty() &&
      curl_easy_header(easy, kept.c_str(), 0, CURLH_HEADER, -1, &header) == CURLHE_OK) {
    reply.header = header->value;
  }
  if (transfer.call.keep_cookies) {
    for (header = nullptr; (header = curl_easy_nextheader(easy, CURLH_HEADER, -1, header));) {
      if (curl_strequal(header->name, "set-cookie") == 0) continue;
      const std::string value = header->value;
      reply.cookies.push_back(value.substr(0, value.find(';')));
    }
  }
  return reply;
}

}  // namespace panshi
