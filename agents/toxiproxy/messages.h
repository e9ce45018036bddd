// SPDX-License-Identifier: Apache-2.0
// Proxies and toxics as that API writes and reads them. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agents/links/toxic.h"
#include "core/base/result.h"

namespace panshi::agent::toxiproxy {

// An error and its HTTP status, which is part of the contract.
struct ApiError {
  int status = 500;
  std::string message;
};
inline tl::unexpected<ApiError> refused(int status, std::string message) {
  return tl::unexpected(ApiError{status, std::move(message)});
}
template <class T>
using Answer = tl::expected<T, ApiError>;
using Done = Answer<std::monostate>;

struct ProxyInput {
  std::string name;
  std::string listen;
  std::string upstream;
  bool enabled = true;
};

struct NamedToxic {
  std::string name;
  std::string type;
  std::string stream;  // as given: "downstream", "UpStream"
  double toxicity = 1;
  std::map<std::string, std::int64_t> attributes;  // every one of its type

  bool is_upstream() const;
};

// 400 "bad request body: …". Absent fields keep what `input` has.
Answer<ProxyInput> read_proxy(const std::string& body, ProxyInput input);
Answer<std::vector<ProxyInput>> read_proxies(const std::string& body);  // for populate
// With the defaults filled in; `taken` says that a name is in use. 400 or 409.
Answer<NamedToxic> read_toxic(const std::string& body,
                              const std::function<bool(const std::string&)>& taken);
// Attributes and toxicity that are given replace those of `toxic`.
Answer<NamedToxic> read_toxic_update(const std::string& body, NamedToxic toxic);

nlohmann::json to_json(const NamedToxic& toxic);
Toxic to_link_toxic(const NamedToxic& toxic);  // figures are brought into the links' bounds

}  // namespace panshi::agent::toxiproxy
