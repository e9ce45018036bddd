// SPDX-License-Identifier: Apache-2.0
// HttpTransfer: one HTTP call on one handle of libcurl. Internal to HttpClient and HttpFleet. One
// thread at a time.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "core/io/http_client.h"
#include "core/io/local_socket.h"

namespace panshi {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using EasyHandle = std::unique_ptr<CURL, FreeEasy>;
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

// One call on one handle. Stays where it is while the call lasts: curl keeps pointers into it.
struct HttpTransfer {
  HttpTransfer();

  HttpCall call;
  EasyHandle easy;
  HeaderList headers;
  HeaderList connect_to;
  std::optional<LocalPath> local;  // of call.unix_socket
  std::string body;
  std::array<char, CURL_ERROR_SIZE> error = {};  // libcurl's own words, more than the code's
  std::size_t head_bytes = 0;  // of all answers, also those that only say to go on
  bool too_large = false;
  bool repeated = false;  // it was sent before, on a connection that broke
  std::string refused;    // why we sent nothing: it is not who it should be
  int proven_port = 0;    // of ours, on the last connection whose other end may hear a token
};

// Readies the handle, which keeps its connection and nothing else of the call before.
Status prepare(HttpTransfer& transfer, HttpCall call);
// What became of the call, once libcurl is done with it.
Result<HttpReply> finish(CURLcode code, HttpTransfer& transfer);

}  // namespace panshi
