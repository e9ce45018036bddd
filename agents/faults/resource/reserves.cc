// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/resource/reserves.h"

#include "core/base/text.h"

namespace panshi::agent {

Status spare_memory(Machine& machine, std::int64_t size) {
  const Room room = machine.memory();
  const std::int64_t reserve = machine.scope().memory_reserve;
  if (room.available - size >= reserve) return {};
  return fail(ErrorCode::kRefused, cat(size_text(room.available), " of memory are available and ",
                                       size_text(reserve), " are this node's reserve"));
}

Status spare_disk(Machine& machine, const std::filesystem::path& folder, std::int64_t size) {
  ASSIGN_OR_RETURN(const Room room, machine.disk(folder));
  const std::int64_t reserve = machine.scope().disk_reserve;
  if (room.available - size < reserve) {
    return fail(ErrorCode::kRefused, cat(size_text(room.available), " are free there and ",
                                         size_text(reserve), " are this node's reserve"));
  }
  if (!room.in_memory) return {};
  auto spared = spare_memory(machine, size);
  return spared ? spared : fail(spared.error(), cat(folder.string(), " is in memory"));
}

Status spare_processes(Machine& machine, std::int64_t count) {
  const std::int64_t left = machine.processes_left();
  if (left - count >= kProcessReserve) return {};
  return fail(ErrorCode::kRefused, cat(left, " more processes can be started here and ",
                                       kProcessReserve, " are this node's reserve"));
}

}  // namespace panshi::agent
