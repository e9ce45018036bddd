// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_client.h"

#include <memory>

#include "core/io/http_transfer.h"
#include "core/io/listen_security.h"

namespace panshi {

struct HttpClient::Impl {
  HttpTransfer transfer;
};

HttpClient::HttpClient() : impl_(std::make_unique<Impl>()) {}
HttpClient::~HttpClient() = default;

Result<HttpReply> HttpClient::send(const HttpCall& call) {
  HttpTransfer& transfer = impl_->transfer;
  if (auto ready = prepare(transfer, call); !ready) {
    return tl::unexpected<Error>(std::move(ready).error());
  }
  return finish(curl_easy_perform(transfer.easy.get()), transfer);
}

bool is_clear_beyond_host(const std::string& url) {
  if (url.starts_with("https://")) return false;
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), curl_url_cleanup);
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return true;
  }
  char* text = nullptr;
  if (curl_url_get(parsed.get(), CURLUPART_HOST, &text, 0) != CURLUE_OK) return true;
  std::string host = text;
  curl_free(text);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return !is_loopback(host);
}

}  // namespace panshi
