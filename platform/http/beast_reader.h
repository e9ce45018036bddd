// SPDX-License-Identifier: Apache-2.0
// The shop's HTTP: requests parsed in place by Boost.Beast. Little more than half of the time of
// the library that controller and agents use, for services that answer hundreds of requests a
// second.
#pragma once

#include "core/io/http_reader.h"

namespace panshi {

std::unique_ptr<HttpReader> beast_reader(const HttpRules& rules, HttpPeer peer);

}  // namespace panshi
