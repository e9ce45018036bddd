// SPDX-License-Identifier: Apache-2.0
// Part of the precompiled header: most of every compile was the same JSON class again.
#pragma once

#include <nlohmann/json.hpp>

extern template class nlohmann::basic_json<>;
