// SPDX-License-Identifier: Apache-2.0
// The parts make_report() is put together from; each reads the drill's events and fills its fields.
#pragma once

#include <vector>

#include "controller/report/report.h"

namespace panshi::controller {

// timeline.cc. REQUIRES: report.phases.
void add_timeline(Report& report);
// ledger.cc
void add_ledger(Report& report);
// runs.cc
void add_runs(Report& report);
// detections.cc. REQUIRES: report.faults.
void add_detections(Report& report);
// summary.cc. REQUIRES: all of the above.
void add_summary(Report& report);
// findings.cc. REQUIRES: all of the above. What went well and badly, and prompts for people.
void add_findings(Report& report);

const Event* first_event(const Report& report, std::string_view kind);
const Event* last_event(const Report& report, std::string_view kind);
const Phase& phase(const Report& report, std::string_view name);

}  // namespace panshi::controller
