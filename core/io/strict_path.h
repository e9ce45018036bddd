// SPDX-License-Identifier: Apache-2.0
// Paths in folders that other users may write in: no link is followed on the whole way, so nobody
// who swaps a part of a path for a link leads us to a file that is not theirs (openat2(2),
// RESOLVE_NO_SYMLINKS). `path` is absolute and has no "..".
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "core/base/result.h"

namespace panshi {

// A descriptor, closed on exec; the caller closes it. kNotFound: nothing there; kRefused: a link is
// on the way; kConflict: with O_EXCL, there is something already; kUnavailable: any other reason.
Result<int> open_strictly(const std::filesystem::path& path, int flags, mode_t mode = 0);
// A file of our own in `folder` that has no name: nobody finds, moves or links it, and its room is
// free again with the last process that holds it, however that ends. kUnavailable: also when the
// name that file systems without O_TMPFILE need for a moment was taken over by somebody.
Result<int> open_nameless(const std::filesystem::path& folder, int flags);
// The name alone goes, whatever it stands for. Nothing there: no error.
Status remove_strictly(const std::filesystem::path& path);

}  // namespace panshi
