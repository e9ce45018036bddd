// SPDX-License-Identifier: Apache-2.0
// Lab: a lab that a benchmark brings up, drives and takes down again. One thread; each call blocks.
// What cannot be done is thrown as std::runtime_error: a benchmark has nothing to mend.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/io/http_client.h"
#include "core/io/process.h"

namespace panshi::bench {

class Lab {
 public:
  // `programs`: where panshi and storefront are. A lab that runs in `state` already is used as it
  // is and left running, with the customers it had; else it is brought up when first needed, and
  // down at the end.
  Lab(std::filesystem::path programs, std::filesystem::path state);
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  void up();  // no harm when it is up
  void down();
  void forget();  // down, and nothing is kept: the next start is a cold one
  bool is_mine() const { return mine_; }
  const std::filesystem::path& state() const { return state_; }

  nlohmann::json customers(const std::string& path = "/status");
  // Each answers with the customers' status; `body` as the control API wants it.
  nlohmann::json tell_customers(const std::string& path, const nlohmann::json& body);
  // Only people who buy, so many a second.
  void set_buyers(double per_second) {
    tell_customers("/plan", {{"rate", per_second}, {"mix", {{"buy", 1}}}});
  }
  void set_rate(double per_second) { tell_customers("/rate", {{"rate", per_second}}); }
  bool wait_until_nobody_is_under_way(Duration within);

  std::string log_file() const;
  std::uint64_t log_size() const;
  // The ledger audit of what began at `since_us` or later.
  nlohmann::json audit(std::int64_t since_us);

  // Throws with the output unless the program ends with 0.
  std::string run(const std::vector<std::string>& arguments, Duration within);
  nlohmann::json get(const std::string& url);

 private:
  nlohmann::json call(HttpCall call);
  void find_customers();

  const std::filesystem::path programs_;
  const std::filesystem::path state_;
  bool mine_ = true;
  std::string customers_url_;
  std::string log_file_;
  double rate_before_ = 0;
  HttpClient http_;
  ProcessRunner processes_;
};

}  // namespace panshi::bench
