// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/shop/lab.h"

#include <unistd.h>

#include <future>
#include <stdexcept>
#include <thread>

#include "cli/lab/lab_record.h"
#include "core/base/text.h"
#include "core/io/yaml.h"
#include "core/json/fields.h"

extern char** environ;

namespace panshi::bench {
namespace {

using namespace std::chrono_literals;

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    variables[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
  }
  return variables;
}

}  // namespace

Lab::Lab(std::filesystem::path programs, std::filesystem::path state)
    : programs_(std::move(programs)),
      state_(std::filesystem::absolute(state)),
      mine_(!std::filesystem::exists(cli::lab_record_file(state_))) {
  if (!mine_) find_customers();
}

Lab::~Lab() {
  try {
    if (mine_) {
      down();
    } else {
      set_rate(rate_before_);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
}

std::string Lab::run(const std::vector<std::string>& arguments, Duration within) {
  ProcessSpec spec;
  spec.argv = arguments;
  spec.argv[0] = (programs_ / arguments[0]).string();
  spec.env = own_environment();
  spec.env["PANSHI_STATE"] = state_.string();
  std::promise<ScriptResult> ended;
  processes_.run(spec, within, [&](ScriptResult result) { ended.set_value(std::move(result)); });
  ScriptResult result = ended.get_future().get();
  if (result.exit.code != 0) {
    throw std::runtime_error(cat(join(arguments, " "), result.timed_out ? " took too long" : "",
                                 ": status ", result.exit.code, "\n", result.output));
  }
  return std::move(result.output);
}

void Lab::up() {
  if (!mine_) return;
  run({"panshi", "lab", "up"}, 120s);
  find_customers();
}

void Lab::down() {
  if (std::filesystem::exists(cli::lab_record_file(state_))) run({"panshi", "lab", "down"}, 120s);
}

void Lab::forget() {
  down();
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(state_, ignored)) {
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

// The audit's configuration says where the customers are and what they wrote.
void Lab::find_customers() {
  const auto document = load_yaml(state_ / "shop" / "audit.yaml");
  if (!document) throw std::runtime_error(document.error().message);
  customers_url_ = cat("http://", document->root.at("customers").get<std::string>());
  log_file_ = document->root.at("log").get<std::string>();
  rate_before_ = customers().at("rate");
}

nlohmann::json Lab::call(HttpCall call) {
  const auto reply = http_.send(call);
  if (!reply) throw std::runtime_error(cat(call.url, ": ", reply.error().message));
  const auto json = parse_json(reply->body);
  if (reply->status != 200 || !json) {
    throw std::runtime_error(cat(call.url, ": status ", reply->status, " ", reply->body));
  }
  return *json;
}

nlohmann::json Lab::get(const std::string& url) {
  HttpCall request;
  request.url = url;
  return call(std::move(request));
}

nlohmann::json Lab::customers(const std::string& path) { return get(customers_url_ + path); }

nlohmann::json Lab::tell_customers(const std::string& path, const nlohmann::json& body) {
  HttpCall request;
  request.method = "POST";
  request.url = customers_url_ + path;
  request.body = dump_json(body);
  request.timeout = 30s;
  return call(std::move(request));
}

bool Lab::wait_until_nobody_is_under_way(Duration within) {
  const SystemClock clock;
  const MonoTime give_up = clock.mono() + within;
  while (customers().at("in_flight") != 0) {
    if (clock.mono() > give_up) return false;
    std::this_thread::sleep_for(50ms);
  }
  return true;
}

std::string Lab::log_file() const { return log_file_; }

std::uint64_t Lab::log_size() const {
  std::error_code absent;
  const auto size = std::filesystem::file_size(log_file_, absent);
  return absent ? 0 : size;
}

nlohmann::json Lab::audit(std::int64_t since_us) {
  ProcessSpec spec;
  spec.argv = {(programs_ / "storefront").string(),       "audit",      "--config",
               (state_ / "shop" / "audit.yaml").string(), "--since-us", std::to_string(since_us)};
  spec.env = own_environment();
  std::promise<ScriptResult> ended;
  processes_.run(spec, 90s, [&](ScriptResult result) { ended.set_value(std::move(result)); });
  const ScriptResult result = ended.get_future().get();
  // Its messages go the same way: the document is the line that is one.
  for (const std::string& line : split(result.output, '\n')) {
    const auto json = line.starts_with('{') ? parse_json(line) : parse_json("");
    if (json && json->contains("verdict")) return *json;
  }
  throw std::runtime_error(cat("the audit said nothing: ", result.output));
}

}  // namespace panshi::bench
