// SPDX-License-Identifier: Apache-2.0
#include "platform/http/http_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using Text = boost::beast::string_view;

constexpr std::size_t kReservedMax = 64 << 10;  // before a byte of the body has come

}  // namespace

struct HttpParser::Impl final : http::basic_parser<true> {
  explicit Impl(std::size_t most) : chunked_max(most) {
    header_limit(kHeadBytesMax);
    body_limit(boost::none);  // the guards know it
  }

  void on_request_impl(http::verb, Text method, Text target, int version, error_code&) override {
    is_1_1 = version == 11;
    head.request.method.assign(method.data(), method.size());
    head.target_bytes = target.size();
    split_http_target({target.data(), target.size()}, head.request);
    line_read = true;
  }
  void on_field_impl(http::field, Text name, Text value, error_code& error) override {
    if (++fields > kHeadersMax) {
      error = http::error::header_limit;
      return;
    }
    const auto [at, added] = head.request.headers.try_emplace(lower({name.data(), name.size()}),
                                                              value.data(), value.size());
    if (!added) head.repeated.push_back(at->first);
  }
  void on_header_impl(error_code&) override {
    head.keep_alive = keep_alive() && is_1_1;
    head.expects_continue = lower(head.request.header("expect")) == "100-continue";
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    body.reserve(std::min<std::size_t>(kReservedMax, length.value_or(0)));
  }
  std::size_t on_body_impl(Text part, error_code&) override {
    body.append(part.data(), part.size());
    return part.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text part, error_code& error) override {
    if (part.size() > chunked_max - std::min(chunked_max, body.size())) {
      error = http::error::body_limit;
      return 0;
    }
    body.append(part.data(), part.size());
    return part.size();
  }
  void on_response_impl(int, Text, int, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  const std::size_t chunked_max;
  HttpHead head;
  std::string body;
  std::size_t fields = 0;
  bool line_read = false;
  bool is_1_1 = false;
  int bad_status = 0;
};

HttpParser::HttpParser(std::size_t chunked_max) : impl_(std::make_unique<Impl>(chunked_max)) {}
HttpParser::~HttpParser() = default;

std::size_t HttpParser::feed(std::string_view bytes) {
  CHECK_BUG(!bytes.empty() && (state() == State::kHead || state() == State::kBody));
  error_code error;
  const std::size_t taken =
      impl_->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (!error || error == http::error::need_more) return taken;
  impl_->bad_status = 400;
  if (error == http::error::body_limit) impl_->bad_status = 413;
  if (error == http::error::header_limit) impl_->bad_status = impl_->line_read ? 431 : 414;
  return taken;
}

HttpParser::State HttpParser::state() const {
  if (impl_->bad_status != 0) return State::kBad;
  if (impl_->is_done()) return State::kWhole;
  return impl_->is_header_done() ? State::kBody : State::kHead;
}

int HttpParser::status() const { return impl_->bad_status; }
HttpHead& HttpParser::head() { return impl_->head; }
std::string& HttpParser::body() { return impl_->body; }

}  // namespace panshi
