// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/config.h"

#include <charconv>

#include "core/base/text.h"

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

constexpr double kRateMax = 10'000;

void read_products(Fields& in, std::vector<ProductShare>& products) {
  in.need_each("products", [&](const nlohmann::json& item, std::string path) {
    Fields fields(item, std::move(path), in.problems());
    ProductShare share;
    fields.need("product", share.product);
    fields.may("weight", share.weight, {1, 1'000'000});
    fields.done();
    products.push_back(std::move(share));
  });
}

void read_manners(Fields& in, Manners& manners) {
  std::int64_t tries_max = manners.tries_max;
  in.may("tries_max", tries_max, {1, 20});
  manners.tries_max = static_cast<int>(tries_max);
  in.may("retry_pause", manners.retry_pause, {1ms, 10s});
  in.may("poll_pause", manners.poll_pause, {1ms, 10s});
  in.may("patience", manners.patience, {10ms, 10min});
  std::int64_t leave_percent = 0;
  in.may("leave_percent", leave_percent, {0, 100});
  manners.leave_percent = static_cast<unsigned>(leave_percent);
}

template <class Number>
Status read_number(const std::string& name, const std::string& text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc() && end == text.data() + text.size()) return {};
  return fail(ErrorCode::kInvalid, cat(name, " wants a number, got `", text, "`"));
}

}  // namespace

void read_customers_config(Fields& in, CustomersConfig& config) {
  read_listen(in, config.listen);
  in.need("target", config.target);
  if (!config.target.empty() && !config.target.starts_with("http://")) {
    in.problem("target", "must begin with http://");
  }
  while (config.target.ends_with('/')) config.target.pop_back();
  in.may("wait_for_shop", config.wait_for_shop);
  std::string log;
  in.need("log", log);
  config.log = log;
  in.need("rate", config.crowd.rate, {0, kRateMax});
  std::int64_t seed = 1;
  in.may("seed", seed, {0, INT64_MAX});
  config.crowd.seed = static_cast<std::uint64_t>(seed);
  in.may("users", config.crowd.users, {1, 1'000'000'000});
  read_products(in, config.crowd.products);
  in.may("request_timeout", config.request_timeout, {1ms, 1min});
  std::int64_t in_flight_max = static_cast<std::int64_t>(config.crowd.in_flight_max);
  in.may("in_flight_max", in_flight_max, {1, 10'000});
  config.crowd.in_flight_max = static_cast<std::size_t>(in_flight_max);
  in.may("window", config.crowd.window.span, {100ms, 1min});
  in.may("overdue_after", config.crowd.window.overdue_after, {10ms, 1min});
  read_manners(in, config.crowd.manners);
}

Status apply_customers_arguments(const std::vector<std::string>& arguments,
                                 CustomersConfig& config) {
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string& name = arguments[i];
    if (name != "--rate" && name != "--seed") {
      return fail(ErrorCode::kInvalid, cat("unknown argument `", name, "`"));
    }
    if (i + 1 == arguments.size()) return fail(ErrorCode::kInvalid, cat(name, " wants a number"));
    Status read;
    if (name == "--seed") {
      read = read_number(name, arguments[i + 1], config.crowd.seed);
    } else {
      read = read_number(name, arguments[i + 1], config.crowd.rate);
      if (read && !(config.crowd.rate >= 0 && config.crowd.rate <= kRateMax)) {
        read = fail(ErrorCode::kInvalid, cat("--rate must be from 0 to ", kRateMax));
      }
    }
    if (!read) return read;
  }
  return {};
}

}  // namespace panshi::shop
