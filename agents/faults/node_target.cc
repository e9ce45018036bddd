// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/node_target.h"

#include <algorithm>

#include "core/base/text.h"

namespace panshi::agent {

namespace fs = std::filesystem;

Status check_node(const FaultRequest& request, Host& host) {
  const std::string& node = host.machine().scope().node;
  if (request.target == node) return {};
  return fail(ErrorCode::kNotFound, cat("this is node `", node, "`, not `", request.target, "`"));
}

Result<fs::path> allowed_path(const std::string& path, Host& host) {
  if (!fs::path(path).is_absolute()) {
    return fail(ErrorCode::kInvalid, cat("`", path, "` must be an absolute path"));
  }
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) return fail(ErrorCode::kNotFound, cat(path, ": ", error.message()));
  std::vector<std::string> names;
  for (const fs::path& folder : host.machine().scope().directories) {
    const fs::path allowed = fs::weakly_canonical(folder, error);
    const auto [end, unused] =
        std::mismatch(allowed.begin(), allowed.end(), real.begin(), real.end());
    if (end == allowed.end()) return real;
    names.push_back(allowed.string());
  }
  return fail(ErrorCode::kRefused,
              cat(real.string(), " is in no folder that this node allows to be touched",
                  names.empty() ? "" : cat(" (", join(names, ", "), ")")));
}

fs::path kept_folder(Host& host) { return host.machine().scope().state / "kept"; }

std::string always_possible(Host&) { return {}; }

std::string why_no_directories(Host& host) {
  return host.machine().scope().directories.empty()
             ? "the node's configuration allows no folder (`limits.directories`)"
             : "";
}

}  // namespace panshi::agent
