// SPDX-License-Identifier: Apache-2.0
#include "agents/host/tool.h"

#include <future>

#include "core/base/struck.h"
#include "core/base/text.h"

namespace panshi::agent {

Result<std::string> run_tool(ProcessRunner& runner, std::vector<std::string> words,
                             Duration timeout) {
  ProcessSpec spec;
  spec.argv = std::move(words);
  spec.env = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LC_ALL", "C"}};
  const std::string name = spec.argv.front();
  std::promise<ScriptResult> ended;
  runner.run(spec, timeout, [&](ScriptResult result) { ended.set_value(std::move(result)); });
  ScriptResult result = ended.get_future().get();
  if (result.exit.code == 0) return std::move(result.output);
  if (result.timed_out) return fail(ErrorCode::kTimeout, name + " did not end in time");
  return fail(ErrorCode::kUnavailable,
              cat(name, ": ", split(without_secrets(result.output), '\n').front()));
}

}  // namespace panshi::agent
