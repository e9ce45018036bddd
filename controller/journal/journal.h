// SPDX-License-Identifier: Apache-2.0
// Journal: the one durable record of what was seen, intended and done.
//
// Promise: when append() has returned, its events survive a power cut, numbered from 1 without
// gaps. Nothing is acted on before that. One writer, the thread `loop`; readers have their own
// JournalReader and never hold the writer up. Nothing outside this folder knows what stores it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/event.h"

namespace panshi::controller {

// How far one agent's events have been taken in. Kept with the events made from them, in the same
// transaction, so that after a restart none is missed and none is taken in twice.
struct AgentCursor {
  std::string node;
  std::string start_id;  // the run of the agent that `after` belongs to
  std::int64_t after = 0;
};

class Journal {  // thread `loop`
 public:
  virtual ~Journal() = default;

  // Durable on return; sets `seq` of each event. After an error the process must stop acting.
  virtual Status append(std::vector<Event>& events, const std::vector<AgentCursor>& cursors) = 0;
  // Every event, oldest first.
  virtual Status replay(const std::function<void(const Event&)>& each) = 0;
  virtual std::int64_t last_seq() const = 0;
  virtual WallTime newest_at() const = 0;                            // the epoch when empty
  virtual Result<std::map<std::string, AgentCursor>> cursors() = 0;  // by node
};

struct JournalQuery {
  std::int64_t after = 0;
  std::int64_t limit = 1'000;
  std::string drill = {};  // empty: all
};
struct JournalPage {
  std::vector<Event> events;
  std::int64_t next = 0;  // `after` of the next query: everything up to here was looked at
};

class JournalReader {  // any thread
 public:
  virtual ~JournalReader() = default;
  virtual Result<JournalPage> read(const JournalQuery& query) = 0;
};

}  // namespace panshi::controller
