// SPDX-License-Identifier: Apache-2.0
// ${name} and ${name:argument} in the texts of a lab file. `$${` stands for `${` itself. Pure.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/json/problems.h"

namespace panshi::cli {

// The value of `name`, with what follows its colon, or why there is none.
using Variables = std::function<Result<std::string>(const std::string& name,
                                                    const std::optional<std::string>& argument)>;

struct UnknownVariable {
  std::size_t line = 0;  // from 1, within the text
  std::string message;   // "unknown variable ${adress} (did you mean `address`?)"
};

// Every mistake goes to `mistakes`; the text is usable only when there are none.
std::string expand_text(std::string_view text, const Variables& variables,
                        std::vector<UnknownVariable>& mistakes);
// The same in every text within `json`; paths as Fields makes them.
void expand_json(nlohmann::json& json, const std::string& path, const Variables& variables,
                 Problems& problems);

// `over` wins; objects are merged key by key, everything else is replaced.
nlohmann::json merged(const nlohmann::json& base, const nlohmann::json& over);

}  // namespace panshi::cli
