// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_client.h"

#include <curl/curl.h>
#include <pthread.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi {
namespace {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

Easy make_easy() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK_BUG(ready == CURLE_OK);
  Easy easy(curl_easy_init());
  CHECK_BUG(easy != nullptr);
  return easy;
}

// One call on one handle. Stays where it is while the call lasts: curl keeps pointers into it.
struct Transfer {
  Transfer() : easy(make_easy()) {}

  HttpCall call;
  Easy easy;
  HeaderList headers;
  std::string body;
  bool body_too_large = false;
};

std::size_t keep_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.body.size() + size > transfer.call.body_max) {
    transfer.body_too_large = true;
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

bool may_be_repeated(const HttpCall& call) {
  if (call.method == "GET" || call.method == "HEAD" || call.method == "OPTIONS") return true;
  return std::any_of(call.headers.begin(), call.headers.end(), [](const auto& header) {
    return curl_strequal(header.first.c_str(), "idempotency-key") != 0;
  });
}

// Before each sending. curl by itself sends a request again when a kept connection breaks before a
// byte of the answer, be it a payment and the server one that died of it.
int allow_sending(void* user, char*, char*, int, int) {
  const auto& transfer = *static_cast<const Transfer*>(user);
  const bool again = was_sent(transfer.easy.get());
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

void add_header(Transfer& transfer, const std::string& line) {
  curl_slist* const longer = curl_slist_append(transfer.headers.get(), line.c_str());
  CHECK_BUG(longer != nullptr);
  static_cast<void>(transfer.headers.release());
  transfer.headers.reset(longer);
}

void prepare_headers(Transfer& transfer) {
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

// The handle keeps its connection and nothing else of the call before.
Status prepare(Transfer& transfer, HttpCall call) {
  if (auto fine = check_call(call); !fine) return fine;
  transfer.call = std::move(call);
  transfer.body.clear();
  transfer.body_too_large = false;
  CURL* const easy = transfer.easy.get();
  curl_easy_reset(easy);
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_PROTOCOLS_STR, "http");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PROXY, "");
  set(easy, CURLOPT_TCP_NODELAY, 1L);
  set(easy, CURLOPT_MAXAGE_CONN, seconds(kHttpIdleMax));
  set(easy, CURLOPT_MAXLIFETIME_CONN, seconds(kHttpLifeMax));
  set(easy, CURLOPT_FRESH_CONNECT, transfer.call.new_connection ? 1L : 0L);
  set(easy, CURLOPT_PREREQFUNCTION, &allow_sending);
  set(easy, CURLOPT_PREREQDATA, &transfer);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(transfer.call.connect_timeout));
  set(easy, CURLOPT_TIMEOUT_MS, milliseconds(transfer.call.timeout));
  set(easy, CURLOPT_WRITEFUNCTION, &keep_body);
  set(easy, CURLOPT_WRITEDATA, &transfer);
  set(easy, CURLOPT_URL, transfer.call.url.c_str());
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

ErrorCode code_of(CURLcode code, const Transfer& transfer) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return ErrorCode::kInvalid;
    case CURLE_WRITE_ERROR:
      return transfer.body_too_large ? ErrorCode::kRefused : ErrorCode::kTimeout;
    default:
      return was_sent(transfer.easy.get()) ? ErrorCode::kTimeout : ErrorCode::kUnavailable;
  }
}

Result<HttpReply> finish(CURLcode code, Transfer& transfer) {
  CURL* const easy = transfer.easy.get();
  if (code != CURLE_OK) {
    const char* const why =
        transfer.body_too_large ? "the answer is too large" : curl_easy_strerror(code);
    return fail(code_of(code, transfer),
                cat(transfer.call.method, " ", transfer.call.url, ": ", why));
  }
  long status = 0;
  curl_off_t took_us = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took_us);
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
  return reply;
}

}  // namespace

struct HttpClient::Impl {
  Transfer transfer;
};

HttpClient::HttpClient() : impl_(std::make_unique<Impl>()) {}
HttpClient::~HttpClient() = default;

Result<HttpReply> HttpClient::send(const HttpCall& call) {
  Transfer& transfer = impl_->transfer;
  if (auto ready = prepare(transfer, call); !ready) {
    return tl::unexpected<Error>(std::move(ready).error());
  }
  return finish(curl_easy_perform(transfer.easy.get()), transfer);
}

struct HttpFleet::Impl {
  struct Waiting {
    HttpCall call;
    Done done;
  };
  struct UnderWay {
    std::unique_ptr<Transfer> transfer;
    Done done;
  };

  explicit Impl(Options given) : options(given), multi(curl_multi_init()) {
    CHECK_BUG(multi != nullptr);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.connections_max));
    thread = std::thread([this] {
      pthread_setname_np(pthread_self(), "fleet");
      work();
    });
  }
  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    curl_multi_wakeup(multi);
    thread.join();
    curl_multi_cleanup(multi);
  }

  void start(HttpCall call, Done done);
  void work();
  void refuse_overflow();
  void begin_waiting();
  void finish_ended();
  void cancel_all();

  const Options options;
  CURLM* const multi;
  std::mutex mutex;
  bool ending = false;  // under mutex, as the next two
  std::deque<Waiting> waiting;
  std::vector<Done> overflow;  // `done` belongs on our thread, also for what was refused
  std::unordered_map<CURL*, UnderWay> under_way;  // thread `fleet` alone, as the next
  std::vector<std::unique_ptr<Transfer>> idle;
  std::thread thread;
};

void HttpFleet::Impl::start(HttpCall call, Done done) {
  {
    const std::lock_guard lock(mutex);
    if (ending) return;
    if (waiting.size() >= options.waiting_max) {
      overflow.push_back(std::move(done));
    } else {
      waiting.push_back({std::move(call), std::move(done)});
    }
  }
  curl_multi_wakeup(multi);
}

void HttpFleet::Impl::work() {
  while (true) {
    refuse_overflow();
    begin_waiting();
    int running = 0;
    curl_multi_perform(multi, &running);
    finish_ended();
    {
      const std::lock_guard lock(mutex);
      if (ending) break;
      const bool more = !waiting.empty() && under_way.size() < options.in_flight_max;
      if (more || !overflow.empty()) continue;
    }
    curl_multi_poll(multi, nullptr, 0, 60'000, nullptr);
  }
  cancel_all();
}

void HttpFleet::Impl::refuse_overflow() {
  std::vector<Done> refused;
  {
    const std::lock_guard lock(mutex);
    refused.swap(overflow);
  }
  for (const Done& done : refused) {
    done(fail(ErrorCode::kRefused, "too many HTTP calls are waiting"));
  }
}

void HttpFleet::Impl::begin_waiting() {
  while (under_way.size() < options.in_flight_max) {
    Waiting next;
    {
      const std::lock_guard lock(mutex);
      if (waiting.empty()) return;
      next = std::move(waiting.front());
      waiting.pop_front();
    }
    std::unique_ptr<Transfer> transfer;
    if (idle.empty()) {
      transfer = std::make_unique<Transfer>();
    } else {
      transfer = std::move(idle.back());
      idle.pop_back();
    }
    if (auto ready = prepare(*transfer, std::move(next.call)); !ready) {
      idle.push_back(std::move(transfer));
      next.done(tl::unexpected<Error>(std::move(ready).error()));
      continue;
    }
    CURL* const easy = transfer->easy.get();
    CHECK_BUG(curl_multi_add_handle(multi, easy) == CURLM_OK);
    under_way[easy] = {std::move(transfer), std::move(next.done)};
  }
}

void HttpFleet::Impl::finish_ended() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;  // `message` dies with the removal
    auto ended = std::move(under_way.extract(easy).mapped());
    curl_multi_remove_handle(multi, easy);
    auto result = finish(code, *ended.transfer);
    idle.push_back(std::move(ended.transfer));
    ended.done(std::move(result));
  }
}

void HttpFleet::Impl::cancel_all() {
  for (auto& [easy, cancelled] : under_way) {
    curl_multi_remove_handle(multi, easy);
    const HttpCall& call = cancelled.transfer->call;
    cancelled.done(fail(ErrorCode::kTimeout, cat(call.method, " ", call.url, ": cancelled")));
  }
  under_way.clear();
  refuse_overflow();
  std::deque<Waiting> unsent;
  {
    const std::lock_guard lock(mutex);
    unsent.swap(waiting);
  }
  for (const Waiting& one : unsent) {
    one.done(fail(ErrorCode::kUnavailable, cat(one.call.method, " ", one.call.url, ": not sent")));
  }
}

HttpFleet::HttpFleet(Options options) : impl_(std::make_unique<Impl>(options)) {}
HttpFleet::~HttpFleet() = default;
void HttpFleet::start(HttpCall call, Done done) { impl_->start(std::move(call), std::move(done)); }

}  // namespace panshi
