// SPDX-License-Identifier: Apache-2.0
#include "platform/customers/customers.h"

#include <atomic>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/log.h"
#include "core/io/signals.h"
#include "platform/customers/config.h"
#include "platform/customers/crowd_thread.h"

namespace panshi::shop {
namespace {

using namespace std::chrono_literals;

nlohmann::json status_json(const CrowdStatus& status) {
  const WindowStatus& window = status.window;
  return {{"checkout_success_ratio", window.success_ratio},
          {"orders_per_second", window.orders_per_second},
          {"arrivals_per_second", window.arrivals_per_second},
          {"checkout_p95_ms", window.checkout_p95_ms},
          {"delivery_p95_ms", window.delivery_p95_ms},
          {"overdue", window.overdue},
          {"arrived", status.arrived},
          {"dropped", status.dropped},
          {"attempted", status.attempted},
          {"acknowledged", status.acknowledged},
          {"delivered", status.delivered},
          {"late", status.late},
          {"failed", status.failed},
          {"turned_away", status.turned_away},
          {"left", status.left},
          {"indeterminate", status.indeterminate},
          {"visits", status.visits},
          {"visits_served", status.visits_served},
          {"visits_failed", status.visits_failed},
          {"fraud_sent", status.fraud_sent},
          {"fraud_placed", status.fraud_placed},
          {"fraud_refused", status.fraud_refused},
          {"fraud_dropped", status.fraud_dropped},
          {"in_flight", status.in_flight},
          {"schedule_lag_ms", status.schedule_lag_ms},
          {"rate", status.rate},
          {"plan_step", status.plan_step},
          {"surge", status.surge},
          {"paused", status.paused ? 1 : 0}};
}

// Reads a control call's body, acts, answers with the status.
template <class Body>
HttpServer::Handler control(std::function<void(Fields&, Body&)> read,
                            std::function<CrowdStatus(const Body&)> act) {
  return [read = std::move(read), act = std::move(act)](const HttpRequest& request) {
    const auto json = parse_json(request.body.empty() ? "{}" : request.body);
    if (!json) return error_response(json.error());
    Problems problems;
    Body body;
    Fields in(*json, "", problems);
    read(in, body);
    in.done();
    if (!problems.empty()) return error_response(problems.error());
    return json_response(status_json(act(body)));
  };
}

struct PauseBody {
  std::int64_t drain_ms = 10'000;
  std::int64_t lease_ms = 120'000;
};
struct NoBody {};
struct SurgeBody {
  std::string by;
  double rate = 0;
  std::int64_t lease_ms = 0;
};

void add_routes(HttpServer& server, CrowdThread& crowd, const std::vector<std::string>& products) {
  server.route("POST", "/pause",
               control<PauseBody>(
                   [](Fields& in, PauseBody& body) {
                     in.may("drain_ms", body.drain_ms, {0, 600'000});
                     in.may("lease_ms", body.lease_ms, {1, 3'600'000});
                   },
                   [&crowd](const PauseBody& body) {
                     return crowd.pause(body.drain_ms * 1ms, body.lease_ms * 1ms);
                   }));
  server.route(
      "POST", "/resume",
      control<NoBody>([](Fields&, NoBody&) {}, [&crowd](const NoBody&) { return crowd.resume(); }));
  server.route("POST", "/surge",
               control<SurgeBody>(
                   [](Fields& in, SurgeBody& body) {
                     in.need("by", body.by);
                     in.need("rate", body.rate, {0, kRateMax});
                     in.need("lease_ms", body.lease_ms, {1, 3'600'000});
                     if (body.by.empty()) in.problem("by", "must not be empty");
                   },
                   [&crowd](const SurgeBody& body) {
                     return crowd.surge(body.by, body.rate, body.lease_ms * 1ms);
                   }));
  server.route(
      "POST", "/surge/end",
      control<SurgeBody>([](Fields& in, SurgeBody& body) { in.need("by", body.by); },
                         [&crowd](const SurgeBody& body) { return crowd.end_surge(body.by); }));
  const auto change = [&crowd](const TrafficChange& to) { return crowd.change_traffic(to); };
  server.route("POST", "/rate",
               control<TrafficChange>(
                   [](Fields& in, TrafficChange& to) {
                     in.need("rate", to.rate.emplace(), {0, kRateMax});
                   },
                   change));
  server.route(
      "POST", "/plan",
      control<TrafficChange>(
          [products](Fields& in, TrafficChange& to) { read_traffic(in, products, to); }, change));
}

// A shop that is being set up is not one that fails. False when told to stop meanwhile.
bool wait_for_shop(const std::string& target) {
  std::atomic<bool> stop = false;
  const StopSignal on_signal([&stop](int) { stop = true; });
  HttpClient client;
  HttpCall call;
  call.url = target + "/healthz";
  call.timeout = 500ms;
  while (!stop) {
    const auto reply = client.send(call);
    if (reply && reply->status == 200) return true;
    std::this_thread::sleep_for(100ms);
  }
  return false;
}

}  // namespace

int run_customers(const RoleContext& context) {
  auto [config, exit_status] = read_config<CustomersConfig>(context, read_customers_config);
  if (!config) return exit_status;
  if (auto applied = apply_customers_arguments(context.arguments, *config); !applied) {
    std::cerr << "storefront customers: " << applied.error().message << '\n';
    return kExitUsage;
  }
  auto log = LogFile::open(config->log);
  if (!log) {
    log_error(log.error().message);
    return kExitFailed;
  }
  if (config->wait_for_shop && !wait_for_shop(config->target)) return 0;
  const SystemClock clock;
  CrowdThread::Options options{.crowd = config->crowd,
                               .target = config->target,
                               .binds_addresses = config->binds_addresses,
                               .request_timeout = config->request_timeout};
  options.crowd.run = hex16(static_cast<std::uint64_t>(to_us(clock.wall()))).substr(2);
  log_info(cat("customers: run ", options.crowd.run, ", seed ", options.crowd.seed, ", ",
               options.crowd.traffic.rate, " a second, log ", config->log.string()));
  CrowdThread crowd(std::move(options), *std::move(log), clock);

  HttpServer server(server_options(config->listen));
  add_routes(server, crowd, names_of(config->crowd.products));
  return serve_until_stopped(
      "customers", server,
      [&crowd] {
        const std::string error = crowd.log_error_text();
        return Health{error.empty(), error};
      },
      [&crowd] { return status_json(crowd.status()); });
}

}  // namespace panshi::shop
