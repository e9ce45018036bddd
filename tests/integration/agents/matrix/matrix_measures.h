// SPDX-License-Identifier: Apache-2.0
// What each kind measures of itself, held against what was asked; and the traffic without which
// some have nothing to measure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/io/http_server.h"

namespace panshi {

// The other side of partitions and losses: an address of the loopback that nobody has.
inline constexpr const char* kFarSide = "127.0.0.99";

// Servers behind the links `database` and `web` of an agent's address, as the matrix has them.
class MatrixTraffic {
 public:
  explicit MatrixTraffic(const std::string& address);
  // Uses what a fault of that kind breaks. Bounded, whatever is broken.
  void use(const std::string& kind) const;

 private:
  std::string address_;
  HttpServer behind_database_;
  HttpServer behind_web_;
};

// Whether it needs use() before it has a figure.
bool needs_traffic(const std::string& kind);
// Whether a list of faults measures it anew; the others measure when they begin and end.
bool is_measured_at_once(const std::string& kind);
// What is wrong with the figures of a fault that is in force; empty: they are as asked. Of how long
// something takes only that it is not less: this machine may be busy.
std::string not_as_asked(const std::string& kind, const nlohmann::json& measured);

}  // namespace panshi
