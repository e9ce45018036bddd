// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/control_plane/site.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/json/fields.h"
#include "tests/support/eventually.h"

namespace panshi::bench {
namespace {

constexpr const char* kAddress = "127.0.0.1";
constexpr const char* kController = "controller/bench";

int free_port(const std::string& of) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, of.c_str(), &address.sin_addr);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

}  // namespace

void Program::start(const std::string& program, const std::string& config, const std::string& log) {
  pid_ = ::fork();
  if (pid_ != 0) return;
  if (!std::freopen(log.c_str(), "w", stderr)) ::_exit(126);
  ::execl(program.c_str(), program.c_str(), "--config", config.c_str(), nullptr);
  ::_exit(127);
}

void Program::end() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

double Program::resident_mb() const {
  std::ifstream status(cat("/proc/", pid_, "/status"));
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) * 1'024 / 1e6;
  }
  return -1;
}

double Program::cpu_seconds() const {
  const std::string stat = read_file(cat("/proc/", pid_, "/stat")).value_or("");
  const auto fields = split(stat.substr(stat.rfind(')') + 2), ' ');
  return static_cast<double>(std::stol(fields.at(11)) + std::stol(fields.at(12))) /
         static_cast<double>(::sysconf(_SC_CLK_TCK));
}

bool show(const std::string& what, double value, double goal, const char* unit) {
  const bool met = value >= 0 && value <= goal;
  std::printf("%-52s %9.2f %s  goal <= %.0f %s  %s\n", what.c_str(), value, unit, goal, unit,
              met ? "met" : "MISSED");
  return met;
}

Site::Site(bool tls, std::vector<Agent> agents) : described_(std::move(agents)) {
  const WallTime now = wall_now();
  if (tls) {
    authority_ = Authority::create(folder_ / "tls", now).value();
    (void)authority_->issue({"controller", "bench", {kAddress}}, now).value();
  }
  for (const char* name : {"scenarios", "rules", "runbooks"}) {
    std::filesystem::create_directory(folder_ / name);
  }
  const std::string scheme = tls ? "https" : "http";
  std::string inventory;
  for (const Agent& agent : described_) {
    const std::string peer = cat("node/", agent.name);
    if (tls) (void)authority_->issue({"node", agent.name, {agent.address}}, now).value();
    const int port = free_port(agent.address);
    write(cat(agent.name, ".yaml"),
          cat("node: ", agent.name, "\naddress: ", agent.address, "\nport: ", port, "\nstate: ",
              agent.name, "\nrestart_after_crash: false\n", tls_lines(peer), agent.services));
    urls_.push_back(cat(scheme, "://", agent.address, ":", port));
    inventory += cat("  - {name: ", agent.name, ", url: \"", urls_.back(), "\", ",
                     tls ? "" : cat("token_file: ", agent.name, "/agent.token, "), "services: [",
                     agent.names, "]}\n");
  }
  const int port = free_port(kAddress);
  url_ = cat(scheme, "://", kAddress, ":", port);
  write("controller.yaml",
        cat("address: ", kAddress, "\nport: ", port,
            "\nstate: controller\nscenarios: scenarios\nrules: rules\nrunbooks: runbooks\n",
            tls_lines(kController), "nodes:\n", inventory));
}

std::string Site::tls_lines(const std::string& peer) const {
  if (!authority_) return "";
  const TlsFiles files = authority_->files_of(peer);
  return cat("tls: {certificate: ", files.certificate.string(), ", key: ", files.key.string(),
             ", authority: ", files.authority.string(), "}\n");
}

void Site::write(const std::string& file, const std::string& text) {
  std::ofstream(folder_ / file) << text;
}

bool Site::start(const std::string& bin) {
  for (const Agent& agent : described_) {
    programs_.emplace_back().start(bin + "/panshi-agent",
                                   (folder_ / cat(agent.name, ".yaml")).string(),
                                   (folder_ / cat(agent.name, ".log")).string());
  }
  controller_.start(bin + "/panshi-controller", (folder_ / "controller.yaml").string(),
                    (folder_ / "controller.log").string());
  return eventually([&] { return up() == static_cast<int>(described_.size()); });
}

HttpCall Site::call_to(std::string url) const {
  HttpCall call{.url = std::move(url), .timeout = std::chrono::seconds(15)};
  if (authority_) {
    call.tls = std::make_shared<const TlsFiles>(
        TlsFiles{"", "", authority_->files_of(kController).authority});
  }
  return call;
}

HttpCall Site::health() const { return call_to(url_ + "/healthz"); }
HttpCall Site::health_of(std::size_t i) const { return call_to(urls_.at(i) + "/v1/healthz"); }

nlohmann::json Site::get(const std::string& path) { return answer_to(call_to(url_ + path)); }

nlohmann::json Site::post(const std::string& path, const nlohmann::json& body) {
  HttpCall call = call_to(url_ + path);
  call.method = "POST";
  call.body = dump_json(body);
  return answer_to(std::move(call));
}

nlohmann::json Site::answer_to(HttpCall call) {
  call.token = trimmed(read_file(folder_ / "controller/controller.token").value_or(""));
  const auto reply = http_.send(call);
  const auto json = parse_json(reply ? reply->body : "", 8 << 20);
  return json && json->is_object() ? *json : nlohmann::json::object();
}

int Site::up() {
  const auto agents = get("/api/v1/status").value("agents", nlohmann::json::object());
  int up = 0;
  for (const auto& agent : agents) up += agent.value("up", false) ? 1 : 0;
  return up;
}

std::string Site::logs() const {
  std::string all = read_file(folder_ / "controller.log").value_or("");
  for (const Agent& agent : described_) {
    all += read_file(folder_ / cat(agent.name, ".log")).value_or("");
  }
  return all;
}

}  // namespace panshi::bench
