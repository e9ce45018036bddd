// SPDX-License-Identifier: Apache-2.0
// HttpParser: one HTTP/1 request out of bytes that come in any pieces.
//
// Pure; Boost.Beast's parser inside. Stops after the head, so that the guards can look at it before
// a byte of the body is taken. For the shop's server and its tests only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/io/http_reader.h"

namespace panshi {

class HttpParser {
 public:
  static constexpr std::size_t kHeadBytesMax = HttpReader::kHeadBytesMax;
  static constexpr std::size_t kHeadersMax = HttpReader::kHeadersMax;
  enum class State { kHead, kBody, kWhole, kBad };

  explicit HttpParser(std::size_t chunked_max = 1 << 20);  // bytes of a body that comes in chunks
  ~HttpParser();
  HttpParser(const HttpParser&) = delete;
  HttpParser& operator=(const HttpParser&) = delete;

  // How many bytes it took; the rest is to be given again with more behind it. Takes no byte of
  // the body in the call that ends the head.
  // REQUIRES: state() is kHead or kBody, `bytes` not empty
  std::size_t feed(std::string_view bytes);
  State state() const;
  int status() const;  // of the refusal, when kBad: 400, 413, 414 or 431
  HttpHead& head();    // complete in kBody and kWhole
  std::string& body();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
