// SPDX-License-Identifier: Apache-2.0
// HeldProcess: a child that lives only as long as we do. Its stdin and stdout are a socket that
// only we hold, so that our end, whatever ends us, is an end of file for it.
//
// It is ended, with its group, when this goes. Any thread.
#pragma once

#include <memory>
#include <string>

#include "core/io/process.h"

namespace panshi {

class HeldProcess {
 public:
  // Returns when the child has written "ready\n". kRefused: it wrote something else, which is the
  // message; kTimeout: nothing within `wait`; it is ended then.
  static Result<std::unique_ptr<HeldProcess>> start(const ProcessSpec& spec, Duration wait);
  ~HeldProcess();
  HeldProcess(const HeldProcess&) = delete;
  HeldProcess& operator=(const HeldProcess&) = delete;

  const ProcessName& name() const { return name_; }

 private:
  struct Parts;
  HeldProcess(std::unique_ptr<Parts> parts, ProcessName name);
  std::unique_ptr<Parts> parts_;
  ProcessName name_;
};

}  // namespace panshi
