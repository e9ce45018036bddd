// SPDX-License-Identifier: Apache-2.0
// The bytes of an HTTP/1.1 answer. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/io/http_server.h"

namespace panshi {

// "Not Found"
std::string_view http_reason(int status);

// Whether an answer with that status has no body and no Content-Length.
constexpr bool http_is_bodiless(int status) { return status == 204 || status == 304; }

// `head_only`: an answer to HEAD, which tells the length of a body and has none.
std::string http_answer(const HttpResponse& response, bool head_only, bool keep_alive);

}  // namespace panshi
