// SPDX-License-Identifier: Apache-2.0
#include "core/io/http_framing.h"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

namespace panshi {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using Text = boost::beast::string_view;

template <bool is_request>
struct Parser final : http::basic_parser<is_request> {
  explicit Parser(HttpFraming::Head& its_head) : head(its_head) {
    this->header_limit(HttpFraming::kHeadBytesMax);
    this->body_limit(boost::none);  // it is not kept
  }

  void on_request_impl(http::verb, Text method, Text target, int, error_code&) override {
    head.method.assign(method.data(), method.size());
    head.target.assign(target.data(), target.size());
  }
  void on_response_impl(int status, Text, int, error_code&) override { head.status = status; }
  void on_field_impl(http::field name, Text, Text value, error_code&) override {
    if (name != http::field::expect) return;
    head.expects_continue = boost::beast::iequals(value, "100-continue");
  }
  void on_header_impl(error_code&) override {
    head.keep_alive = this->keep_alive();
    head.upgrades = this->upgrade() || head.method == "CONNECT";
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(Text part, error_code&) override { return part.size(); }
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text part, error_code&) override {
    return part.size();
  }
  void on_finish_impl(error_code&) override {}

  HttpFraming::Head& head;
};

}  // namespace

struct HttpFraming::Impl {
  explicit Impl(Way its_way) : way(its_way) { begin(); }

  void begin() {
    head = {};
    begun = false;
    request.reset();
    response.reset();
    if (way == Way::kRequests) request = std::make_unique<Parser<true>>(head);
    if (way == Way::kResponses) response = std::make_unique<Parser<false>>(head);
  }
  template <class Act>
  auto with(Act act) {
    return request ? act(*request) : act(*response);
  }
  std::string take(std::size_t size) {
    std::string bytes = buffer.substr(at, size);
    at += bytes.size();
    return bytes;
  }
  Part step();

  const Way way;
  std::string buffer;
  std::size_t at = 0;  // what lies before it was handed out
  Head head;
  bool begun = false;
  bool unreadable = false;
  std::unique_ptr<Parser<true>> request;
  std::unique_ptr<Parser<false>> response;
};

HttpFraming::Part HttpFraming::Impl::step() {
  error_code error;
  const bool had_head = with([](auto& parser) { return parser.is_header_done(); });
  const std::size_t taken = with([&](auto& parser) {
    return parser.put(boost::asio::const_buffer(buffer.data() + at, buffer.size() - at), error);
  });
  if (error && error != http::error::need_more) {
    unreadable = true;
    return {Part::Kind::kUnreadable, take(std::string::npos)};
  }
  if (taken == 0) return {};
  begun = true;
  return {had_head ? Part::Kind::kBody : Part::Kind::kHead, take(taken)};
}

HttpFraming::HttpFraming(Way way) : impl_(std::make_unique<Impl>(way)) {}
HttpFraming::~HttpFraming() = default;

void HttpFraming::feed(std::string_view bytes) {
  impl_->buffer.erase(0, std::exchange(impl_->at, 0));
  impl_->buffer += bytes;
}

HttpFraming::Part HttpFraming::next() {
  Impl& in = *impl_;
  if (in.begun && in.with([](auto& parser) { return parser.is_done(); })) {
    in.begin();
    return {Part::Kind::kEnd};
  }
  if (in.at == in.buffer.size() || in.unreadable) return {};
  return in.step();
}

const HttpFraming::Head& HttpFraming::head() const { return impl_->head; }
std::string HttpFraming::rest() { return impl_->take(std::string::npos); }
bool HttpFraming::at_start() const { return !impl_->begun; }
void HttpFraming::set_bodiless(bool is_answer_to_head) {
  // Once some of its head was looked at, it was told already.
  if (impl_->response && !impl_->response->got_some()) impl_->response->skip(is_answer_to_head);
}

}  // namespace panshi
