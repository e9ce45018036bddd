// SPDX-License-Identifier: Apache-2.0
#include "agents/host/linux_network.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "agents/config/agent_mark.h"
#include "agents/host/foreign_rules.h"
#include "agents/host/packet_tap.h"
#include "agents/host/spared.h"
#include "agents/host/tool.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "core/json/fields.h"

namespace panshi::agent {
namespace {

constexpr auto kToolTimeout = std::chrono::seconds(5);
constexpr auto kKeepUpEvery = std::chrono::seconds(3);

// Keeps rules from expiring, on a thread of its own, as long as it lives.
class Keeper {
 public:
  explicit Keeper(std::function<void()> keep_up)
      : thread_([this, keep_up = std::move(keep_up)] {
          std::unique_lock lock(mutex_);
          while (!ended_.wait_for(lock, kKeepUpEvery, [this] { return end_; })) keep_up();
        }) {}
  ~Keeper() {
    {
      const std::lock_guard lock(mutex_);
      end_ = true;
    }
    ended_.notify_all();
    thread_.join();
  }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;  // last: it uses the others
};

// What a rule is found by is in a set whose elements expire: the other side's address, or the port.
std::string with_timeout(const std::string& element) {
  return cat(element, " timeout ", LinuxNetwork::kRulesLastSeconds, "s");
}

std::string rule_text(const PacketRules& rules, bool incoming) {
  const bool six = rules.address.find(':') != std::string::npos;
  const std::string side = incoming ? "saddr" : "daddr";
  std::string match;
  if (rules.port != 0) {
    if (!rules.address.empty()) match = cat(six ? "ip6 " : "ip ", side, " ", rules.address, " ");
    match += cat(rules.protocol, incoming ? " dport" : " sport", " @what");
  } else {
    match = cat(six ? "ip6 " : "ip ", side, " @what");
  }
  if (rules.percent < 100) {
    constexpr int kParts = 100'000;
    match += cat(" counter numgen random mod ", kParts, " < ",
                 std::lround(rules.percent / 100 * kParts));
  }
  return cat(match, " counter ", rules.reset ? "reject with tcp reset" : "drop");
}

std::string chain_text(const FaultScope& scope, const PacketRules& rules, bool incoming) {
  const char* const hook = incoming ? "input" : "output";
  return cat(" chain ", hook, " { type filter hook ", hook, " priority -300;",
             nft_exceptions(scope, incoming), " ", rule_text(rules, incoming), "; };");
}

// The root passes on at once what is spared; all else goes through the class that is shaped, which
// by itself holds nothing up.
using Words = std::vector<std::string>;
std::vector<Words> shaping_commands(const FaultScope& scope, const std::string& interface,
                                    const std::string& handle, const Words& discipline) {
  const Words on = {"dev", interface, "parent", handle};
  const auto command = [&](Words begin, const Words& end) {
    begin.insert(begin.end(), on.begin(), on.end());
    begin.insert(begin.end(), end.begin(), end.end());
    return begin;
  };
  std::vector<Words> all = {
      {"tc", "qdisc", "add", "dev", interface, "root", "handle", handle, "htb", "default", "2"}};
  for (const Words& match : tc_matches(scope)) {
    all.push_back(command({"tc", "filter", "add"}, match));
    all.back().insert(all.back().end(), {"flowid", handle});
  }
  const std::string shaped = cat(handle, "2");
  all.push_back(command({"tc", "class", "add"},
                        {"classid", shaped, "htb", "rate", "100gbit", "ceil", "100gbit", "burst",
                         "1mb", "cburst", "1mb", "quantum", "60000"}));
  Words last = {"tc", "qdisc", "add", "dev", interface, "parent", shaped};
  last.insert(last.end(), discipline.begin(), discipline.end());
  all.push_back(std::move(last));
  return all;
}

nlohmann::json parsed(const Result<std::string>& text) {
  if (!text) return {};
  return parse_json(*text, 1 << 20).value_or(nlohmann::json());
}

}  // namespace

ProcessRunner& LinuxNetwork::processes() {
  const std::lock_guard lock(mutex_);
  if (!processes_) processes_ = std::make_unique<ProcessRunner>();
  return *processes_;
}

Result<std::string> LinuxNetwork::run(std::vector<std::string> words) {
  return run_tool(processes(), std::move(words), kToolTimeout);
}

bool LinuxNetwork::works_elsewhere(const std::vector<std::string>& words) {
  const std::string key = join(words, " ");
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = probed_.find(key); known != probed_.end()) return known->second;
  }
  std::vector<std::string> whole = {"unshare", "--net"};
  whole.insert(whole.end(), words.begin(), words.end());
  const bool works = run(whole).has_value();
  const std::lock_guard lock(mutex_);
  return probed_[key] = works;
}

std::string LinuxNetwork::why_no_rules() {
  if (::geteuid() != 0) return "the agent does not run as root";
  if (works_elsewhere({"nft", "add table inet panshi; delete table inet panshi"})) return {};
  return "nft is not installed, or this kernel has no nftables";
}

std::string LinuxNetwork::table_of(const std::string& fault) const {
  return cat("panshi_", agent_mark(scope_), "_", fault);
}

// tc has numbers only, of 16 bits, 0 and ffff being its own.
std::string LinuxNetwork::handle() const {
  constexpr std::uint64_t kHandles = 0xfffe;
  const std::string hex = hex16(fnv1a(agent_mark(scope_)) % kHandles + 1);
  return cat(hex.substr(hex.find_first_not_of('0')), ":");
}

Result<std::shared_ptr<void>> LinuxNetwork::start_table(const std::string& fault,
                                                        const std::string& set_type,
                                                        const std::string& element,
                                                        const std::string& chains) {
  const std::string table = table_of(fault);
  const std::string text =
      cat("table inet ", table, " { set what { type ", set_type, "; flags timeout; elements = { ",
          with_timeout(element), " }; };", chains, " }");
  ASSIGN_OR_RETURN([[maybe_unused]] const auto said, run({"nft", text}));
  // Added first, so that it can be deleted also when it has just expired: one transaction.
  const auto change = [&](const char* verb, const std::string& what) {
    return cat(verb, " element inet ", table, " what { ", what, " }");
  };
  const std::string again =
      cat(change("add", with_timeout(element)), "; ", change("delete", element), "; ",
          change("add", with_timeout(element)));
  return std::make_shared<Keeper>([this, again, fault] {
    if (auto kept = run({"nft", again}); !kept) {
      log_warn(cat("fault ", fault, ": packet rules were not kept up: ", kept.error().message));
    }
  });
}

Result<std::shared_ptr<void>> LinuxNetwork::start_rules(const std::string& fault,
                                                        const PacketRules& rules) {
  std::string chains;
  if (rules.incoming) chains += chain_text(scope_, rules, true);
  if (rules.outgoing) chains += chain_text(scope_, rules, false);
  if (rules.port != 0) {
    return start_table(fault, "inet_service", std::to_string(rules.port), chains);
  }
  const bool six = rules.address.find(':') != std::string::npos;
  return start_table(fault, six ? "ipv6_addr" : "ipv4_addr", rules.address, chains);
}

Result<std::shared_ptr<void>> LinuxNetwork::start_redirect(const std::string& fault,
                                                           const std::string& server,
                                                           std::uint16_t port) {
  const std::string only = server == "::1"              ? "ip6 daddr ::1 "
                           : server.starts_with("127.") ? cat("ip daddr ", server, " ")
                                                        : "";
  const std::string chain =
      cat(" chain output { type nat hook output priority -150; meta mark ", kOwnMark, " accept; ",
          only, "meta l4proto { tcp, udp } th dport @what counter redirect to :", port, "; };");
  return start_table(fault, "inet_service", "53", chain);
}

std::string LinuxNetwork::why_no_redirect() {
  if (std::string why = why_no_rules(); !why.empty()) return why;
  const std::string probe =
      "table inet panshi { chain c { type nat hook output priority -150; "
      "meta l4proto { tcp, udp } th dport 53 redirect to :5353; }; }";
  return works_elsewhere({"nft", probe}) ? "" : "this kernel cannot redirect (nftables, nat)";
}

Result<std::string> LinuxNetwork::name_server() {
  std::ifstream file("/etc/resolv.conf");
  std::string line;
  while (std::getline(file, line)) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() > 1 && words[0] == "nameserver") return words[1];
  }
  return fail(ErrorCode::kNotFound, "this node has no name server configured (params.upstream)");
}

Result<std::uint16_t> LinuxNetwork::free_port() {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr generic{};
  std::memcpy(&generic, &at, sizeof at);
  socklen_t size = sizeof generic;
  const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int udp = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool found = ::bind(tcp, &generic, size) == 0 && ::getsockname(tcp, &generic, &size) == 0 &&
                     ::bind(udp, &generic, size) == 0;
  std::memcpy(&at, &generic, sizeof at);
  for (const int fd : {tcp, udp}) {
    if (fd >= 0) ::close(fd);
  }
  if (found) return ntohs(at.sin_port);
  return fail(ErrorCode::kUnavailable, "no port of the loopback is free");
}

Status LinuxNetwork::end_rules(const std::string& fault) {
  const std::string table = table_of(fault);
  auto ended = run({"nft", cat("add table inet ", table, "; delete table inet ", table)});
  if (ended) return {};
  return fail(ended.error(), "remove packet rules");
}

// A rule that leaves it to chance counts before and after; any other once.
Result<CaughtPackets> LinuxNetwork::caught(const std::string& fault) {
  const auto table = parsed(run({"nft", "-j", "list", "table", "inet", table_of(fault)}));
  if (!table.is_object()) return fail(ErrorCode::kNotFound, "no packet rules of this fault");
  CaughtPackets all;
  for (const auto& item : table.value("nftables", nlohmann::json::array())) {
    if (!item.contains("rule")) continue;
    std::vector<std::int64_t> counts;
    for (const auto& part : item.at("rule").value("expr", nlohmann::json::array())) {
      if (part.contains("counter")) counts.push_back(part.at("counter").value("packets", 0));
    }
    if (counts.empty()) continue;
    all.met += counts.front();
    all.caught += counts.back();
  }
  return all;
}

std::vector<std::string> LinuxNetwork::rules() {
  const std::string prefix = table_of("");
  std::vector<std::string> faults;
  const auto tables = parsed(run({"nft", "-j", "list", "tables"}));
  if (!tables.is_object()) return faults;
  for (const auto& item : tables.value("nftables", nlohmann::json::array())) {
    if (!item.contains("table")) continue;
    const std::string name = item.at("table").value("name", "");
    if (name.starts_with(prefix)) faults.push_back(name.substr(prefix.size()));
  }
  return faults;
}

// What is not installed has left nothing.
std::vector<ForeignRule> LinuxNetwork::foreign_rules() {
  std::vector<ForeignRule> found;
  const auto add = [&](std::vector<ForeignRule> more) {
    found.insert(found.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
  };
  for (const char* program : {"iptables", "ip6tables"}) {
    if (const auto saved = run({cat(program, "-save")})) add(suspects_of_iptables(program, *saved));
  }
  if (const auto all = run({"nft", "--stateless", "list", "ruleset"})) add(suspects_of_nft(*all));
  return found;
}

std::string LinuxNetwork::why_no_discipline(const std::string& discipline) {
  if (::geteuid() != 0) return "the agent does not run as root";
  Words words = {discipline};
  if (discipline == "netem") words.insert(words.end(), {"delay", "1ms"});
  if (discipline == "tbf") {
    words.insert(words.end(), {"rate", "1mbit", "burst", "16kb", "latency", "50ms"});
  }
  std::string script;
  for (const Words& command : shaping_commands({.port = 1}, "lo", "1:", words)) {
    script += cat(script.empty() ? "" : " && ", join(command, " "));
  }
  if (works_elsewhere({"sh", "-c", script})) return {};
  return cat("tc is not installed, or this kernel lacks one of ", discipline,
             ", htb and u32 (which spares the agent and ssh)");
}

Result<std::string> LinuxNetwork::discipline(const std::string& interface) {
  auto text = run({"tc", "-j", "qdisc", "show", "dev", interface});
  if (!text)
    return fail(ErrorCode::kNotFound, cat("interface ", interface, ": ", text.error().message));
  for (const auto& each : parsed(text)) {
    if (each.is_object() && each.value("root", false) && each.value("handle", "0:") != "0:") {
      return each.value("kind", "unknown");
    }
  }
  return std::string();
}

bool LinuxNetwork::is_ours(const std::string& interface) {
  for (const auto& each : parsed(run({"tc", "-j", "qdisc", "show", "dev", interface}))) {
    if (each.is_object() && each.value("root", false) && each.value("handle", "") == handle()) {
      return true;
    }
  }
  return false;
}

Status LinuxNetwork::set_discipline(const std::string& interface,
                                    const std::vector<std::string>& words) {
  for (const Words& command : shaping_commands(scope_, interface, handle(), words)) {
    if (auto set = run(command); !set) return fail(set.error(), interface);
  }
  return {};
}

Result<TapReport> LinuxNetwork::look_at(const TapPlan& plan) { return tap(plan); }

Status LinuxNetwork::clear_discipline(const std::string& interface) {
  if (!is_ours(interface)) return {};
  auto cleared = run({"tc", "qdisc", "del", "dev", interface, "root", "handle", handle()});
  return cleared ? Status() : Status(fail(cleared.error(), interface));
}

}  // namespace panshi::agent
