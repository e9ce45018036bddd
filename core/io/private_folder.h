// SPDX-License-Identifier: Apache-2.0
// A folder for state that only its owner may look into.
#pragma once

#include <filesystem>
#include <string_view>

#include "core/base/result.h"

namespace panshi {

// Made with mode 0700, with those above it as the umask has them. One that is there and open to
// others is closed if it is ours to close: empty, or `ours` is in it. Otherwise it is left as it
// is: a shared folder like /tmp must stay one. Errors: kUnavailable.
Status make_private_folder(const std::filesystem::path& folder, std::string_view ours = {});

}  // namespace panshi
