// SPDX-License-Identifier: Apache-2.0
// Hook: what a fake tells its test of each call that touches the node, before it acts.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "core/base/result.h"

namespace panshi::agent {

class Hook {  // may be set while it is being called
 public:
  using Call = std::function<Status(const std::string& what)>;
  void operator=(Call call) {
    const std::lock_guard lock(mutex_);
    call_ = std::move(call);
  }
  Status operator()(const std::string& what) const {
    Call call;
    {
      const std::lock_guard lock(mutex_);
      call = call_;
    }
    return call ? call(what) : Status();
  }

 private:
  mutable std::mutex mutex_;
  Call call_;
};

}  // namespace panshi::agent
