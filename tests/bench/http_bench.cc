// SPDX-License-Identifier: Apache-2.0
// What an HTTP request costs: processor time of both sides, on fresh and on kept connections, of
// the control plane's server plain and under TLS with a certificate on each side, and of the
// shop's.
//
// The server is a process of its own, so that its time can be told from the client's.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "core/base/text.h"
#include "core/io/http_client.h"
#include "core/io/http_server.h"
#include "core/pki/authority.h"
#include "platform/http/beast_reader.h"
#include "tests/support/temporary_folder.h"

namespace {

using namespace panshi;

constexpr int kCallers = 4;

// Serves until it is killed; its port comes through the pipe.
[[noreturn]] void serve(HttpServer::Options options, int port_to) {
  options.threads = 16;
  HttpServer server(std::move(options));
  server.route("POST", "/api/orders/{order}", [](const HttpRequest& request) {
    return json_response({{"order", request.captures[0]}, {"size", request.body.size()}});
  });
  server.route("GET", "/usage", [](const HttpRequest&) {
    rusage used = {};
    ::getrusage(RUSAGE_SELF, &used);
    return json_response(1'000'000 * (used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                         used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  });
  if (!server.start()) std::exit(1);
  const std::uint16_t port = server.port();
  if (::write(port_to, &port, sizeof port) != sizeof port) std::exit(1);
  while (true) ::pause();
}

double own_us() {
  rusage used = {};
  ::getrusage(RUSAGE_SELF, &used);
  return 1e6 * static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

using Files = std::shared_ptr<const TlsFiles>;

double server_us(const std::string& base, const Files& tls) {
  const auto reply = HttpClient().send({.url = base + "/usage", .tls = tls});
  return reply ? std::strtod(reply->body.c_str(), nullptr) : 0;
}

void measure(const std::string& name, const std::string& base, const Files& tls, int calls,
             const std::string& connection) {
  HttpCall call = {.method = "POST",
                   .url = base + "/api/orders/o-1",
                   .body = R"({"user":"u-1","product":"music-month","amount_cents":1500})",
                   .headers = {{"Idempotency-Key", "k-1"}},
                   .tls = tls};
  if (!connection.empty()) call.headers["Connection"] = connection;
  std::atomic<int> failed = 0;
  const double server_before = server_us(base, tls);
  const double own_before = own_us();
  const MonoTime began = SystemClock().mono();
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      HttpClient client;
      for (int n = i; n < calls; n += kCallers) {
        const auto reply = client.send(call);
        if (!reply || reply->status != 200) ++failed;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  const double wall_s = static_cast<double>((SystemClock().mono() - began).count()) / 1e6;
  const double client = (own_us() - own_before) / calls;
  const double server = (server_us(base, tls) - server_before) / calls;
  std::printf(
      "%-26s server %6.1f us, client %6.1f us, together %6.1f us a request; %8.0f/s; %d failed\n",
      name.c_str(), server, client, server + client, calls / wall_s, failed.load());
}

// Of one server, in a process of its own.
int measure_server(const std::string& name, const HttpServer::Options& options, const Files& tls,
                   int calls) {
  int ends[2] = {};
  if (::pipe(ends) != 0) return 1;
  const pid_t child = ::fork();
  if (child == 0) serve(options, ends[1]);
  std::uint16_t port = 0;
  if (::read(ends[0], &port, sizeof port) != sizeof port) return 1;
  const std::string base = cat(tls ? "https" : "http", "://127.0.0.1:", port);
  measure(name + ", fresh", base, tls, calls / 4, "close");
  measure(name + ", kept", base, tls, calls, "");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int calls = argc > 1 ? std::atoi(argv[1]) : 20'000;
  const TemporaryFolder folder;
  auto authority = Authority::create(folder / "tls", wall_now()).value();
  (void)authority.issue({"node", "n-1", {"127.0.0.1"}}, wall_now()).value();
  const auto files = std::make_shared<const TlsFiles>(authority.files_of("node/n-1"));
  return measure_server("plain", {}, nullptr, calls) +
         measure_server("TLS", {.tls = Tls::load(*files, wall_now()).value()}, files, calls) +
         measure_server("the shop's", {.reader = beast_reader}, nullptr, calls);
}
