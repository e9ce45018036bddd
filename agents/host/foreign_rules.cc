// SPDX-License-Identifier: Apache-2.0
#include "agents/host/foreign_rules.h"

#include <algorithm>

#include "agents/config/agent_mark.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr const char* kByChance = "it loses packets by chance, which no firewall needs";
constexpr const char* kCutsOff = "it cuts off what it names; perhaps somebody's test left it";
constexpr const char* kSystemChains[] = {"INPUT", "OUTPUT", "FORWARD"};
constexpr const char* kNames[] = {"-s", "-d", "--dport", "--sport"};

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "panshi_", the mark of an agent, "_" and a fault: those end by themselves, whichever agent it is.
bool is_of_an_agent(const std::string& table) {
  constexpr std::string_view kOurs = "panshi_";
  const std::size_t end = kOurs.size() + kAgentMarkSize;
  return table.starts_with(kOurs) && table.size() > end + 1 && table[end] == '_' &&
         table.find_first_not_of("0123456789abcdef", kOurs.size()) == end;
}

// "-A INPUT -s 192.0.2.1/32 -j DROP" in the words of iptables-save.
const char* why_suspect(const std::vector<std::string>& words) {
  if (words.size() < 4 || words[0] != "-A") return nullptr;
  const bool drops = has(words, "DROP") || has(words, "REJECT");
  if (!drops) return nullptr;
  if (has(words, "statistic")) return kByChance;
  const bool of_system = std::find(std::begin(kSystemChains), std::end(kSystemChains), words[1]) !=
                         std::end(kSystemChains);
  const bool names = std::any_of(std::begin(kNames), std::end(kNames),
                                 [&](const char* name) { return has(words, name); });
  return of_system && names && !has(words, "!") ? kCutsOff : nullptr;
}

}  // namespace

std::vector<ForeignRule> suspects_of_iptables(const std::string& program,
                                              const std::string& save_output) {
  std::vector<ForeignRule> found;
  std::string table;
  for (const std::string& line : split(save_output, '\n')) {
    if (line.starts_with('*')) table = line.substr(1);
    const std::vector<std::string> words = words_of(line);
    const char* const why = why_suspect(words);
    if (!why) continue;
    found.push_back({cat(program, " rule ", line), why,
                     cat(program, " -t ", table, " -D ", line.substr(std::string("-A ").size()))});
  }
  return found;
}

std::vector<ForeignRule> suspects_of_nft(const std::string& ruleset) {
  std::vector<ForeignRule> found;
  std::string table;  // "inet filter"
  bool ours = false;
  for (const std::string& line : split(ruleset, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() >= 3 && words[0] == "table") {
      table = cat(words[1], " ", words[2]);
      ours = is_of_an_agent(words[2]);
    }
    const bool by_chance = has(words, "numgen") && has(words, "random") && has(words, "drop");
    if (!by_chance || ours) continue;
    found.push_back({cat("nft rule in table ", table, ": ", join(words, " ")), kByChance,
                     cat("nft -a list table ", table, ", then nft delete rule … handle N")});
  }
  return found;
}

}  // namespace panshi::agent
