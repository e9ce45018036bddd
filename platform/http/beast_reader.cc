// SPDX-License-Identifier: Apache-2.0
#include "platform/http/beast_reader.h"

#include <optional>
#include <utility>

#include "core/io/http_answer.h"
#include "platform/http/http_parser.h"

namespace panshi {
namespace {

class BeastReader : public HttpReader {
 public:
  BeastReader(const HttpRules& rules, HttpPeer peer) : rules_(rules), peer_(std::move(peer)) {}

  State feed(std::string_view bytes) override {
    if (rest_.empty()) return parse(bytes);
    rest_ += bytes;
    // Parsing takes from one and leaves in the other.
    const std::string all = std::exchange(rest_, {});
    return parse(all);
  }

  State serve(MonoTime arrived) override {
    HttpRequest request = std::move(parser_->head().request);
    request.body = std::move(parser_->body());
    request.captures = std::move(match_.captures);
    request.arrived = arrived;
    const HttpResponse response =
        rules_.stopping ? http_stopping(rules_.options) : rules_.handle(request, *match_.route);
    keep_ = keep_ && rules_.keeps(peer_);
    answer(response);
    return State::kAnswer;
  }

  Answer take_answer() override {
    parser_.reset();
    go_on_ = false;
    head_only_ = false;
    return {std::exchange(out_, {}), keep_, unread_};
  }
  bool take_go_on() override { return std::exchange(go_on_, false); }
  bool has_begun() const override { return parser_.has_value() || !rest_.empty(); }

 private:
  State parse(std::string_view bytes) {
    if (bytes.empty()) return State::kMore;
    if (!parser_) parser_.emplace(rules_.options.body_max);
    while (!bytes.empty()) {
      const HttpParser::State before = parser_->state();
      const std::size_t taken = parser_->feed(bytes);
      bytes.remove_prefix(taken);
      const HttpParser::State now = parser_->state();
      if (now == HttpParser::State::kBad) {
        unread_ = true;
        return refuse(bare_http_refusal(rules_.options, parser_->status()));
      }
      if (before == HttpParser::State::kHead && now != before) {
        rest_ = bytes;
        if (auto refusal = head_ended()) return refuse(*refusal);
      }
      if (now == HttpParser::State::kWhole) {
        rest_ = bytes;
        return State::kServe;
      }
      if (taken == 0) break;
    }
    rest_ = bytes;
    go_on_ = parser_->state() == HttpParser::State::kBody && rest_.empty() &&
             std::exchange(parser_->head().expects_continue, false);
    return State::kMore;
  }

  std::optional<HttpResponse> head_ended() {
    HttpHead& head = parser_->head();
    head.request.peer = peer_.name();
    head.request.uid = peer_.uid;
    head.request.remote_address = peer_.client();
    head.request.remote_port = peer_.port;
    HttpGuard::Verdict verdict = rules_.guard.check(head);
    head_only_ = head.request.method == "HEAD";
    keep_ = http_keeps(head, ++served_, rules_.options);
    match_ = std::move(verdict.match);
    const bool whole = parser_->state() == HttpParser::State::kWhole;
    unread_ = verdict.refusal && (!whole || !verdict.framing_is_sure);
    return std::move(verdict.refusal);
  }

  State refuse(const HttpResponse& response) {
    if (unread_) {
      keep_ = false;
      rest_.clear();
    }
    answer(response);
    return State::kAnswer;
  }

  void answer(const HttpResponse& response) { out_ = http_answer(response, head_only_, keep_); }

  const HttpRules& rules_;
  const HttpPeer peer_;
  std::optional<HttpParser> parser_;  // of the request being read
  HttpRoutes::Match match_;
  std::string rest_;  // read, not yet parsed
  std::string out_;
  unsigned served_ = 0;
  bool keep_ = true;
  bool unread_ = false;
  bool head_only_ = false;
  bool go_on_ = false;
};

}  // namespace

std::unique_ptr<HttpReader> beast_reader(const HttpRules& rules, HttpPeer peer) {
  return std::make_unique<BeastReader>(rules, std::move(peer));
}

}  // namespace panshi
