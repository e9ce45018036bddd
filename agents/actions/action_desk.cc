// SPDX-License-Identifier: Apache-2.0
#include "agents/actions/action_desk.h"

#include <pthread.h>

#include <thread>

#include "agents/actions/action_book.h"
#include "agents/actions/order.h"
#include "agents/limits.h"
#include "agents/loop.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "core/io/secret.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kListed = 100;

std::string script_error(const ScriptResult& script, Duration timeout) {
  if (script.timed_out) return cat("did not end within ", duration_text(timeout));
  if (script.exit.signal != 0) return cat("was ended by signal ", script.exit.signal);
  if (script.exit.code != 0) return cat("ended with code ", script.exit.code);
  return {};
}

// Programs tell people what they do (stderr) before they say the result (stdout): both are in the
// output, in the order written.
std::string_view last_line(std::string_view output) {
  while (output.ends_with('\n')) output.remove_suffix(1);
  const auto before = output.rfind('\n');
  return before == std::string_view::npos ? output : output.substr(before + 1);
}

}  // namespace

json script_result(const ScriptResult& script, bool try_json) {
  json result = {{"exit_code", script.exit.code}};
  if (try_json) {
    if (auto parsed = parse_json(last_line(script.output)); parsed && parsed->is_structured()) {
      result["output_json"] = std::move(*parsed);
    }
  }
  result = json_without_secrets(result, true);
  result["output"] = struck_tail(script.output, limits::kActionOutputMax);
  return result;
}

struct ActionDesk::Impl {
  const AgentConfig& config;
  ActionPorts& ports;
  ActionBook book;
  SystemClock clock;
  std::shared_ptr<Loop> loop = std::make_shared<Loop>();  // late `done`s may outlive the desk
  std::thread thread;

  Impl(const AgentConfig& agent_config, ActionPorts& action_ports, ActionBook action_book)
      : config(agent_config), ports(action_ports), book(std::move(action_book)) {
    thread = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), "actions");
      loop->run([] { return std::nullopt; });
    });
  }
  ~Impl() {
    loop->end();
    thread.join();
  }

  Result<json> put(const std::string& id, const json& body) {
    if (book.knows(id)) {
      if (auto same = book.check_same(id, body); !same) return tl::unexpected(same.error());
      return book.get(id);
    }
    ASSIGN_OR_RETURN(const ActionOrder order, ActionOrder::read(body, config));
    if (book.running() >= limits::kActionsRunningMax) {
      return fail(ErrorCode::kUnavailable,
                  cat(limits::kActionsRunningMax, " actions are running already"));
    }
    if (auto begun = book.begin(id, order.kind, body); !begun) {
      return tl::unexpected(begun.error());
    }
    act(id, order);
    return book.get(id);
  }

  void act(const std::string& id, const ActionOrder& order) {
    const MonoTime began = clock.mono();
    if (order.kind == "mark") {
      finish(id, began, ports.mark(order.service, order.as), json::object());
    } else if (!order.link.verb.empty()) {
      auto changed = ports.change_link(order.link);
      if (changed) return finish(id, began, {}, std::move(*changed));
      finish(id, began, fail(changed.error(), order.kind), json::object());
    } else if (order.kind == "script" || order.kind == "program") {
      run(id, began, order);
    } else {
      ports.want(
          order.service, order.kind, order.timeout,
          [this, weak = std::weak_ptr(loop), id, began](Status status) {
            if (const auto alive = weak.lock()) {
              alive->post([this, id, began, status] { finish(id, began, status, json::object()); });
            }
          });
    }
  }

  void run(const std::string& id, MonoTime began, const ActionOrder& order) {
    ProcessSpec spec;
    spec.argv = order.argv;
    spec.env = ports.environment();
    spec.env["PANSHI_ACTION"] = id;
    spec.directory = config.state;
    set_user(spec, order.user);
    for (const auto& [service, pid] : ports.service_pids()) {
      spec.env[pid_variable(service)] = std::to_string(pid);
    }
    for (const auto& [name, value] : order.env) spec.env[name] = value;
    ports.run(spec, order.timeout,
              [this, weak = std::weak_ptr(loop), id, began, timeout = order.timeout,
               try_json = order.kind == "program"](ScriptResult script) {
                const auto alive = weak.lock();
                if (!alive) return;
                alive->post([this, id, began, timeout, try_json, script = std::move(script)] {
                  const std::string error = script_error(script, timeout);
                  finish(id, began, error.empty() ? Status() : fail(ErrorCode::kInternal, error),
                         script_result(script, try_json));
                });
              });
  }

  void finish(const std::string& id, MonoTime began, const Status& status, json result) {
    ActionEnd end;
    end.good = status.has_value();
    if (!status) end.error = status.error().message;
    end.result = std::move(result);
    end.took = clock.mono() - began;
    if (auto saved = book.finish(id, end); !saved) {
      log_error(cat("action ", id, ": ", saved.error().message));
    }
    json data = {{"action", id},
                 {"state", end.good ? "ok" : "failed"},
                 {"error", end.error},
                 {"result", end.result},
                 {"duration_us", end.took.count()}};
    if (const auto action = book.get(id)) data["kind"] = action->at("kind");
    ports.tell("action.done", data);
  }
};

Result<std::unique_ptr<ActionDesk>> ActionDesk::open(const AgentConfig& config,
                                                     ActionPorts& ports) {
  ASSIGN_OR_RETURN(ActionBook book,
                   ActionBook::open(config.state / "actions", limits::kActionsKept));
  return std::unique_ptr<ActionDesk>(
      new ActionDesk(std::make_unique<Impl>(config, ports, std::move(book))));
}

ActionDesk::ActionDesk(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ActionDesk::~ActionDesk() = default;

Result<json> ActionDesk::put(const std::string& id, const json& body) {
  return impl_->loop->call([this, id, body] { return impl_->put(id, body); });
}
Result<json> ActionDesk::get(const std::string& id) {
  return impl_->loop->call([this, id] { return impl_->book.get(id); });
}
Result<json> ActionDesk::list() {
  return impl_->loop->call([this] { return Result<json>(impl_->book.list(kListed)); });
}

}  // namespace panshi::agent
