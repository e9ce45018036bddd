// SPDX-License-Identifier: Apache-2.0
// The JSON header as every source here gets it, first thing, by the precompiled header: most of
// every compile was the same JSON class again.
//
// Its literals ("{}"_json) are plain inline functions, so the compiler instantiates the parser for
// them once more in each source, used or not: a second of processor time each. Nobody here uses
// them; as templates that nobody calls they cost nothing.
#pragma once

#ifndef INCLUDE_NLOHMANN_JSON_HPP_
#define JSON_USE_GLOBAL_UDLS 0
#define _json                          \
  _left_out(const char*, std::size_t); \
  template <class>                     \
  nlohmann::json json_left_out
#define _json_pointer                          \
  _pointer_left_out(const char*, std::size_t); \
  template <class>                             \
  nlohmann::json::json_pointer pointer_left_out
#include <nlohmann/json.hpp>
#undef _json
#undef _json_pointer
#endif

extern template class nlohmann::basic_json<>;
