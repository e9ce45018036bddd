// SPDX-License-Identifier: Apache-2.0
// The one place where the JSON class is compiled.
#include "cmake/json_once.h"

template class nlohmann::basic_json<>;
