// SPDX-License-Identifier: Apache-2.0
// Whether anybody else can change what a path names: asked of whatever a program that runs as root
// reads orders from or executes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace panshi {

// The file (or folder), each folder on the way to it and each link that is followed belong to root,
// to us, or, as root under sudo, to who called it (SUDO_UID); nobody else may write to one, by its
// mode or by a list. A folder with the sticky bit, like /tmp, may be on the way: only the owner
// of a file renames it there. kRefused: with what is open to whom, and what to type; kNotFound:
// nothing there.
Status check_trusted(const std::filesystem::path& path);
// What a command executes: its program, the interpreter of one that is a script, each argument that
// is an executable file, and, of a shell or another interpreter, the script that it is given. Only
// absolute paths; the others are looked for in PATH. What is not there is no matter here.
Status check_trusted_command(const std::vector<std::string>& command);
// The folder itself and every file that is directly in it.
Status check_trusted_folder(const std::filesystem::path& folder);

}  // namespace panshi
