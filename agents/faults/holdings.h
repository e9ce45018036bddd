// SPDX-License-Identifier: Apache-2.0
// Holdings: what a fault keeps hold of while it is in force, and only as long as this process
// lives: an SQL session with a lock, open descriptors, a listening socket.
//
// It ends with the process, whatever ends that, so it needs no undo record. What outlives a process
// (children, files, rules of the kernel) does not belong here. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace panshi::agent {

class Holdings {
 public:
  // Replaces, and so lets go of, what the fault held before.
  void keep(const std::string& fault, std::shared_ptr<void> held);
  void let_go(const std::string& fault);  // nothing held: no error
  void let_go_all();

  template <class T>
  std::shared_ptr<T> get(const std::string& fault) const {  // null: nothing
    return std::static_pointer_cast<T>(find(fault));
  }

 private:
  std::shared_ptr<void> find(const std::string& fault) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<void>> held_;
};

}  // namespace panshi::agent
