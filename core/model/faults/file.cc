// SPDX-License-Identifier: Apache-2.0
#include "core/model/faults/groups.h"

namespace panshi {
namespace {

constexpr FaultParam kPath = text_param(
    "path", nullptr, "A file in a folder that the node's configuration allows.", &absolute_path);

constexpr FaultParam kFlipParams[] = {
    integer_param("bits", "8", "1", "100000", "How many bits are turned over, at random places."),
    kPath,
};
constexpr FaultParam kTruncateParams[] = {
    percent_param("keep", "50", "0", "99.9", "How much of it stays."),
    kPath,
};
constexpr FaultParam kPermissionParams[] = {kPath};

constexpr const char* kAllowed = "an allowed folder (`limits.directories`)";
constexpr const char* kPutBack =
    "Writes back what it broke, wherever the file is now; what others wrote since stays, and where "
    "the two cannot be told apart the copy is kept and named by fsck.";

constexpr FaultKindSpec kKinds[] = {
    {.name = "file.flip",
     .summary = "Turns over bits of a file.",
     .target_key = "node",
     .params = kFlipParams,
     .through = "directories",
     .needs = kAllowed,
     .undo = kPutBack,
     .measured = "Counts the bits that differ from the copy.",
     .shown_by = "effects",
     .holds = {.what = "file", .by = "identity"}},
    {.name = "file.permission",
     .summary = "Takes every permission on a file away.",
     .target_key = "node",
     .params = kPermissionParams,
     .through = "directories",
     .needs = kAllowed,
     .undo = "Gives the permissions back, unless somebody has set others since.",
     .measured = "Asks the file for its mode.",
     .shown_by = "effects",
     .holds = {.what = "file", .by = "identity"}},
    {.name = "file.truncate",
     .summary = "Cuts off the end of a file.",
     .target_key = "node",
     .params = kTruncateParams,
     .through = "directories",
     .needs = kAllowed,
     .undo = kPutBack,
     .measured = "Asks the file for its size.",
     .shown_by = "effects",
     .holds = {.what = "file", .by = "identity"}},
};

}  // namespace

std::span<const FaultKindSpec> file_faults() { return kKinds; }

}  // namespace panshi
