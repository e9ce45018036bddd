// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/config.h"

#include <charconv>

#include "core/base/text.h"
#include "core/io/yaml.h"

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

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
  std::int64_t coupon_percent = 0;
  in.may("coupon_percent", coupon_percent, {0, 100});
  in.may("coupon", manners.coupon);
  if (coupon_percent > 0 && manners.coupon.empty()) in.problem("coupon", "says which");
  manners.coupon_percent = static_cast<unsigned>(coupon_percent);
}

template <class Number>
Status read_number(const std::string& name, const std::string& text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc() && end == text.data() + text.size()) return {};
  return fail(ErrorCode::kInvalid, cat(name, " wants a number, got `", text, "`"));
}

Status load_traffic(const std::string& file, Crowd::Options& crowd) {
  const auto document = load_yaml(file);
  if (!document) return tl::unexpected<Error>(document.error());
  Problems problems;
  Fields in(document->root, "", problems);
  TrafficChange traffic;
  read_traffic(in, names_of(crowd.products), traffic);
  in.done();
  if (!problems.empty()) return fail(ErrorCode::kInvalid, problems_text(problems, *document));
  apply(traffic, crowd.traffic);
  return {};
}

Status apply_argument(const std::string& name, const std::string& value, CustomersConfig& config) {
  if (name == "--traffic") return load_traffic(value, config.crowd);
  if (name == "--seed") return read_number(name, value, config.crowd.seed);
  double rate = 0;
  if (auto read = read_number(name, value, rate); !read) return read;
  if (!(rate >= 0 && rate <= kRateMax)) {
    return fail(ErrorCode::kInvalid, cat("--rate must be from 0 to ", kRateMax));
  }
  config.crowd.traffic.rate = rate;
  return {};
}

}  // namespace

std::vector<std::string> names_of(const std::vector<ProductShare>& products) {
  std::vector<std::string> names;
  for (const ProductShare& share : products) names.push_back(share.product);
  return names;
}

void read_customers_config(Fields& in, CustomersConfig& config) {
  read_listen(in, config.listen);
  in.need("target", config.target);
  if (!config.target.empty() && !config.target.starts_with("http://")) {
    in.problem("target", "must begin with http://");
  }
  while (config.target.ends_with('/')) config.target.pop_back();
  in.may("bind_addresses", config.binds_addresses);
  in.may("wait_for_shop", config.wait_for_shop);
  std::string log;
  in.need("log", log);
  config.log = log;
  std::int64_t seed = 1;
  in.may("seed", seed, {0, INT64_MAX});
  config.crowd.seed = static_cast<std::uint64_t>(seed);
  in.may("users", config.crowd.users, {1, 1'000'000'000});
  read_products(in, config.crowd.products);
  TrafficChange traffic;
  read_traffic(in, names_of(config.crowd.products), traffic);
  if (!traffic.rate) in.need("rate", config.crowd.traffic.rate);
  apply(traffic, config.crowd.traffic);
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
    if (name != "--rate" && name != "--seed" && name != "--traffic") {
      return fail(ErrorCode::kInvalid, cat("unknown argument `", name, "`"));
    }
    if (i + 1 == arguments.size()) return fail(ErrorCode::kInvalid, cat(name, " wants a value"));
    if (auto applied = apply_argument(name, arguments[i + 1], config); !applied) return applied;
  }
  return {};
}

}  // namespace panshi::shop
