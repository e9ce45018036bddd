// SPDX-License-Identifier: Apache-2.0
// Names: the readers' common checks of names and paths. Internal to core/model.
#pragma once

#include <string>

#include "core/base/ids.h"
#include "core/json/fields.h"

namespace panshi {

// Needed, and fit for a URL and a file name.
inline void need_name(Fields& in, const char* key, std::string& out) {
  in.need(key, out);
  if (!out.empty() && !is_id(out)) {
    in.problem(key, "must be a name of letters, digits, `-`, `_` and `.`");
  }
}

}  // namespace panshi
