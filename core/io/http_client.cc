// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_client.h"

#include "core/io/http_transfer.h"

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

}  // namespace panshi
