// SPDX-License-Identifier: Apache-2.0
#include "agents/links/http_stages.h"

#include <algorithm>
#include <deque>

#include "agents/links/http_rule.h"
#include "core/base/text.h"
#include "core/io/http_framing.h"

namespace panshi::agent {
namespace {

using PartKind = HttpFraming::Part::Kind;
using ToxicKind = Toxic::Kind;

// Of requests without an answer, on one connection: with so many entries the next requests are let
// through as they are, and with so many that nobody can mean it, it is reset.
constexpr std::size_t kTouchedMax = 1'000;
constexpr std::size_t kOpenMax = 100'000;

struct Exchange {
  bool is_head = false;
  std::size_t times = 1;                   // so many alike, that nothing is done to
  std::vector<HttpRule> on_answer = {};    // headers, in order
  std::optional<std::string> body = {};    // in place of the answer's
  std::optional<std::string> direct = {};  // the whole answer: upstream does not see the request
  MonoTime direct_at{};
  bool closes = false;  // after `direct`

  bool plain() const { return on_answer.empty() && !body && !direct; }
};

struct Conversation {
  std::deque<Exchange> open;  // requests in order, oldest first
  bool opaque = false;        // what upstream says is no answer to them

  void add(Exchange exchange) {
    const bool alike = !open.empty() && open.back().plain() && exchange.plain() &&
                       open.back().is_head == exchange.is_head;
    if (alike) {
      ++open.back().times;
    } else {
      open.push_back(std::move(exchange));
    }
  }
  void answered() {
    if (!open.empty() && --open.front().times == 0) open.pop_front();
  }
};

class RequestStage final : public Stage {
 public:
  RequestStage(const std::vector<ToxicRow>& rules, std::shared_ptr<Conversation> conversation,
               Random random)
      : Stage({}, nullptr),
        rules_(rules),
        conversation_(std::move(conversation)),
        random_(random) {}

  void take(Piece piece, MonoTime) override {
    at_ = piece.at;
    if (piece.kind != Piece::Kind::kData) put_rest();
    if (opaque_ || piece.kind != Piece::Kind::kData) return put(std::move(piece));
    framing_.feed(piece.bytes);
    while (!opaque_) {
      auto part = framing_.next();
      if (part.kind == PartKind::kNone) return;
      if (part.kind == PartKind::kHead) {
        begin(std::move(part.bytes));
      } else if (part.kind == PartKind::kEnd) {
        end();
      } else if (!swallows_) {
        opaque_ = part.kind == PartKind::kUnreadable;
        put({.at = at_, .bytes = std::move(part.bytes)});
      }
    }
  }
  std::optional<Piece> give(MonoTime now) override {
    if (next_deadline() > now) return std::nullopt;
    const MonoTime due = queue().front().due;
    while (!delayed_.empty() && delayed_.front().due <= due) {
      const Delayed& done = delayed_.front();
      done.account->passed(0, now - done.read, now - done.due);
      delayed_.pop_front();
    }
    Piece piece = pop();
    piece.at = due;
    return piece;
  }
  MonoTime next_deadline() const override {
    return queue().empty() ? MonoTime::max() : queue().front().due;
  }
  std::vector<Piece> drain(MonoTime now) override {
    put_rest();
    return Stage::drain(now);
  }

 private:
  struct Delayed {
    std::shared_ptr<ToxicAccount> account;
    MonoTime read;
    MonoTime due;
  };

  void put(Piece piece) {
    if (piece.kind == Piece::Kind::kData && piece.bytes.empty()) return;
    const MonoTime due = std::max(last_due_, piece.at);
    push(std::move(piece), due);
  }

  // What came of a head that is not whole: nobody will complete it.
  void put_rest() {
    if (!opaque_ && !swallows_) put({.at = at_, .bytes = framing_.rest()});
  }

  void begin(std::string head) {
    if (conversation_->opaque) return put({.at = at_, .bytes = std::move(head)});
    const HttpFraming::Head& message = framing_.head();
    Exchange exchange{.is_head = message.method == "HEAD"};
    MonoTime due = at_;
    const bool crowded = conversation_->open.size() >= kTouchedMax;
    for (const ToxicRow& row : rules_) {
      if (crowded) break;
      if (!row.toxic.http || !row.toxic.http->touches(message.method, message.target)) continue;
      ++row.account->connections;
      if (!drawn(random_, row.toxic.toxicity)) continue;
      ++row.account->touched;
      apply(row, exchange, head, due);
    }
    last_due_ = std::max(last_due_, due);
    swallows_ = exchange.direct.has_value();
    upgrades_ = message.upgrades && !swallows_;
    if (swallows_) settle_delays();
    exchange.direct_at = last_due_;
    conversation_->add(std::move(exchange));
    if (!swallows_) put({.at = at_, .bytes = std::move(head)});
    if (conversation_->open.size() > kOpenMax) {
      put({.at = at_, .bytes = {}, .kind = Piece::Kind::kReset});
    }
  }

  void apply(const ToxicRow& row, Exchange& exchange, std::string& head, MonoTime& due) {
    const HttpRule& rule = *row.toxic.http;
    const HttpFraming::Head& message = framing_.head();
    if (row.toxic.kind == ToxicKind::kHttpDelay) {
      due += row.toxic.delay;
      delayed_.push_back({row.account, at_, std::max(last_due_, due)});
    } else if (row.toxic.kind == ToxicKind::kHttpBody) {
      exchange.body = rule.body;
    } else if (row.toxic.kind == ToxicKind::kHttpHeader && !rule.on_request) {
      exchange.on_answer.push_back(rule);
    } else if (row.toxic.kind == ToxicKind::kHttpHeader) {
      head = rule.removes ? without_header(head, rule.header)
                          : with_header(head, rule.header, rule.value);
    } else if (!exchange.direct) {
      // A client that waits for "100 Continue" may or may not send its body after this answer.
      exchange.closes = !message.keep_alive || message.expects_continue || message.upgrades;
      exchange.direct = answer_of(rule, !exchange.closes, message.method == "HEAD");
    }
  }

  // Of a request that no piece stands for, as it is answered here.
  void settle_delays() {
    while (!delayed_.empty() && delayed_.back().read == at_) {
      delayed_.back().account->passed(0, last_due_ - at_, Duration(0));
      delayed_.pop_back();
    }
  }

  void end() {
    swallows_ = false;
    if (!upgrades_) return;
    opaque_ = true;
    put({.at = at_, .bytes = framing_.rest()});
  }

  const std::vector<ToxicRow>& rules_;
  const std::shared_ptr<Conversation> conversation_;
  Random random_;
  HttpFraming framing_{HttpFraming::Way::kRequests};
  MonoTime at_{};
  MonoTime last_due_{};
  std::deque<Delayed> delayed_;
  bool swallows_ = false;  // the request is answered here
  bool upgrades_ = false;
  bool opaque_ = false;
};

// The queue has what came; `ready_` what goes on.
class AnswerStage final : public Stage {
 public:
  explicit AnswerStage(std::shared_ptr<Conversation> conversation)
      : Stage({}, nullptr), conversation_(std::move(conversation)) {}

  void take(Piece piece, MonoTime) override { push(std::move(piece)); }
  std::optional<Piece> give(MonoTime now) override {
    while (ready_.empty() && work(now)) {
    }
    if (ready_.empty()) return std::nullopt;
    Piece piece = std::move(ready_.front());
    ready_.pop_front();
    return piece;
  }
  MonoTime next_deadline() const override {
    if (!ready_.empty()) return MonoTime::min();
    if (answers_directly()) return conversation_->open.front().direct_at;
    return queue().empty() && !more_ ? MonoTime::max() : MonoTime::min();
  }
  std::vector<Piece> drain(MonoTime) override {
    std::vector<Piece> all;
    while (auto piece = give(MonoTime::max())) all.push_back(std::move(*piece));
    put_rest();
    while (auto piece = give(MonoTime::max())) all.push_back(std::move(*piece));
    return all;
  }

 private:
  bool answers_directly() const {
    const auto& open = conversation_->open;
    return !opaque_ && framing_.at_start() && !open.empty() && open.front().direct;
  }

  // One step; false: nothing to do now.
  bool work(MonoTime now) {
    if (answers_directly()) return answer(now);
    if (more_) return follow(now);
    if (queue().empty()) return false;
    Piece piece = pop();
    if (piece.kind != Piece::Kind::kData) put_rest();
    if (opaque_ || piece.kind != Piece::Kind::kData) {
      ready_.push_back(std::move(piece));
    } else {
      at_ = piece.at;
      framing_.feed(piece.bytes);
      more_ = true;
    }
    return true;
  }

  bool answer(MonoTime now) {
    Exchange& exchange = conversation_->open.front();
    if (exchange.direct_at > now) return false;
    ready_.push_back({.at = exchange.direct_at, .bytes = std::move(*exchange.direct)});
    if (exchange.closes) ready_.push_back({.at = now, .bytes = {}, .kind = Piece::Kind::kClose});
    conversation_->open.pop_front();
    return true;
  }

  bool follow(MonoTime) {
    const bool asked = !conversation_->open.empty();
    if (framing_.at_start() && asked) {
      framing_.set_bodiless(conversation_->open.front().is_head);
    }
    auto part = framing_.next();
    if (part.kind == PartKind::kNone) {
      more_ = false;
    } else if (part.kind == PartKind::kHead && asked) {
      begin(std::move(part.bytes));
    } else if (part.kind == PartKind::kEnd) {
      end();
    } else if (part.kind == PartKind::kUnreadable || part.kind == PartKind::kHead) {
      put(std::move(part.bytes));  // the latter: an answer that nobody asked for
      turn_opaque();
    } else if (!drops_body_) {
      put(std::move(part.bytes));
    }
    return true;
  }

  void begin(std::string head) {
    const int status = framing_.head().status;
    is_interim_ = status >= 100 && status < 200;
    if (is_interim_) {
      put(std::move(head));
      if (status == 101) turn_opaque();  // the connection is theirs from here on
      return;
    }
    const Exchange& exchange = conversation_->open.front();
    for (const HttpRule& rule : exchange.on_answer) {
      head = rule.removes ? without_header(head, rule.header)
                          : with_header(head, rule.header, rule.value);
    }
    drops_body_ = exchange.body && status != 204 && status != 304;
    if (!drops_body_) return put(std::move(head));
    for (const char* name : {"Transfer-Encoding", "Content-Encoding", "Trailer"}) {
      head = without_header(head, name);
    }
    put(with_header(head, "Content-Length", std::to_string(exchange.body->size())));
    if (!exchange.is_head) put(*exchange.body);
  }

  void end() {
    drops_body_ = false;
    if (!std::exchange(is_interim_, false)) conversation_->answered();
  }

  void turn_opaque() {
    put(framing_.rest());
    more_ = false;
    opaque_ = conversation_->opaque = true;
  }

  void put_rest() {
    if (!opaque_ && !drops_body_) put(framing_.rest());
  }
  void put(std::string bytes) {
    if (!bytes.empty()) ready_.push_back({.at = at_, .bytes = std::move(bytes)});
  }

  const std::shared_ptr<Conversation> conversation_;
  HttpFraming framing_{HttpFraming::Way::kResponses};
  MonoTime at_{};
  std::deque<Piece> ready_;
  bool more_ = false;  // the framing has parts that were not looked at
  bool is_interim_ = false;
  bool drops_body_ = false;
  bool opaque_ = false;
};

}  // namespace

std::pair<std::unique_ptr<Stage>, std::unique_ptr<Stage>> make_http_stages(
    const std::vector<ToxicRow>& rules, Random random) {
  const auto conversation = std::make_shared<Conversation>();
  return {std::make_unique<RequestStage>(rules, conversation, random),
          std::make_unique<AnswerStage>(conversation)};
}

}  // namespace panshi::agent
