// SPDX-License-Identifier: Apache-2.0
// Calendar: when a weekly local time comes next, in an IANA zone with its daylight-saving changes.
//
// A time that a change skips is the first instant that exists after it; one that a change repeats
// is its first occurrence. Reads the machine's zone data, which never changes while we run: pure to
// its callers. The only user of the date library.
#pragma once

#include <string>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/model/schedule.h"

namespace panshi {

// kNotFound when the zone is unknown, with the nearest name.
Status check_zone(const std::string& zone);

// The first due time after `after`. Errors: as check_zone.
Result<WallTime> next_due(const DrillDay& day, WallTime after);

}  // namespace panshi
