// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/visit.h"

#include "core/base/text.h"

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

constexpr Duration kThoughtMin = 300ms;
constexpr std::uint64_t kThoughtMoreUs = 1'200'000;
constexpr std::uint64_t kProductPagesMax = 3;

// The value of a form's hidden field, or "".
std::string hidden_in(const std::string& page, const std::string& name) {
  const std::string before = cat("name=\"", name, "\" value=\"");
  const auto start = page.find(before);
  if (start == std::string::npos) return "";
  const auto value = start + before.size();
  return page.substr(value, page.find('"', value) - value);
}

}  // namespace

CustomerVisit::CustomerVisit(Errand errand, WallTime intended_wall)
    : errand_(std::move(errand)), intended_wall_(intended_wall), random_(errand_.seed) {
  switch (errand_.kind) {
    case Kind::kHistory:
      plan_history();
      break;
    case Kind::kChat:
      plan_chat();
      break;
    default:
      plan_browsing();
  }
  for (Request& request : requests_) {
    request.device = errand_.device;
    request.address = errand_.address;
  }
  requests_.front().keeps_cookies = true;
}

// Without a session nobody is told of orders: the first answer brings one.
void CustomerVisit::plan_history() {
  if (errand_.cookie.empty()) {
    requests_.push_back({.step = Step::kBrowse, .method = "GET", .path = "/api/products"});
  }
  requests_.push_back({.step = Step::kHistory, .method = "GET", .path = "/api/orders?user="});
}

void CustomerVisit::plan_browsing() {
  requests_.push_back({.step = Step::kBrowse, .method = "GET", .path = "/"});
  const std::uint64_t pages = 1 + random_.below(kProductPagesMax);
  for (std::uint64_t i = 0; i < pages; ++i) {
    requests_.push_back(
        {.step = Step::kBrowse, .method = "GET", .path = cat("/products/", errand_.product)});
  }
}

// The page gives him a session and a form, whose token goes back with what he writes.
void CustomerVisit::plan_chat() {
  requests_.push_back({.step = Step::kChat, .method = "GET", .path = "/support"});
  requests_.push_back({.step = Step::kChat,
                       .method = "POST",
                       .path = "/support",
                       .body = "text=Where+is+my+key%3F",
                       .is_form = true});
  requests_.push_back({.step = Step::kChat, .method = "GET", .path = "/support"});
}

void CustomerVisit::take_form(const Answer& answer) {
  requests_[1].body += cat("&token=", hidden_in(answer.body, "token"));
}

Move CustomerVisit::send(const Moment& now) {
  sent_at_ = now.mono;
  Move move;
  move.kind = Move::Kind::kSend;
  move.request = requests_[next_];
  move.request.cookie = errand_.cookie;
  if (move.request.step == Step::kHistory) move.request.path += errand_.user;
  return move;
}

Move CustomerVisit::answered(const Answer& answer, const Moment& now) {
  const bool is_good = answer.status == 200 || answer.status == 303;
  Move move;
  Record record;
  record.at_us = to_us(now.wall);
  record.intended_us = to_us(intended_wall_);
  record.customer = errand_.customer;
  record.kind = kind_name(errand_.kind);
  record.step = requests_[next_].step;
  record.outcome = is_good                             ? Outcome::kOk
                   : answer.sent && answer.status == 0 ? Outcome::kIndeterminate
                                                       : Outcome::kRefused;
  record.status = answer.status;
  record.latency_us = (now.mono - sent_at_).count();
  move.records.push_back(std::move(record));
  if (!is_good) return move;
  take_session(answer.cookies, errand_);
  if (errand_.kind == Kind::kChat && next_ == 0) take_form(answer);
  if (++next_ == requests_.size()) {
    move.ending = Ending::kDelivered;
    return move;
  }
  move.kind = Move::Kind::kWait;
  move.wake =
      now.mono + kThoughtMin + Duration(static_cast<std::int64_t>(random_.below(kThoughtMoreUs)));
  return move;
}

}  // namespace panshi::shop
