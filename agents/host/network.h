// SPDX-License-Identifier: Apache-2.0
// Network: what faults may do to the node's packets, through nft and tc.
//
// Packet rules live in a table of their own for each fault and expire in the kernel within
// seconds when nobody keeps them up, so that they go even if every process of ours is dead. A
// queueing discipline has no such end: it is reverted by its undo record. Any thread; calls may
// block for some seconds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace panshi::agent {

struct ForeignRule;  // agents/host/foreign_rules.h
struct TapPlan;      // agents/host/packet_tap.h
struct TapReport;

struct PacketRules {
  std::string address = {};   // of the other side; empty: every one
  std::uint16_t port = 0;     // of this node; 0: every one
  std::string protocol = {};  // tcp or udp; with `port` only
  bool incoming = true;
  bool outgoing = false;
  bool reset = false;    // answer with a TCP reset in place of silence
  double percent = 100;  // of them, by chance
};

struct CaughtPackets {
  std::int64_t met = 0;     // that the rules are about
  std::int64_t caught = 0;  // of them
};

class Network {
 public:
  virtual ~Network() = default;

  // Why this node can have no packet rules; empty when it can.
  virtual std::string why_no_rules() = 0;
  virtual std::string why_no_redirect() = 0;
  // The name server that this node asks first. kNotFound: none is configured.
  virtual Result<std::string> name_server() = 0;
  // A port of the loopback that nobody has, over TCP and UDP.
  virtual Result<std::uint16_t> free_port() = 0;
  // In force while what it returns lives, and at most kRulesLast longer. This agent's own port and
  // ssh are never cut.
  virtual Result<std::shared_ptr<void>> start_rules(const std::string& fault,
                                                    const PacketRules& rules) = 0;
  // Queries to port 53 go to this port of the loopback instead, but for those with kOwnMark; when
  // `server` is a loopback address, only those to it, so that what runs there can ask on. Kept up
  // and ended as rules are.
  virtual Result<std::shared_ptr<void>> start_redirect(const std::string& fault,
                                                       const std::string& server,
                                                       std::uint16_t port) = 0;
  static constexpr unsigned kOwnMark = 0x7a5;
  virtual Status end_rules(const std::string& fault) = 0;  // none: no error
  // Since they are in force. kNotFound: there are none of the fault.
  virtual Result<CaughtPackets> caught(const std::string& fault) = 0;
  virtual std::vector<std::string> rules() = 0;  // ids of this agent's faults that have some
  virtual std::string table_of(const std::string& fault) const = 0;  // its nft table

  // What other tools for breaking networks may have left; see foreign_rules.h.
  virtual std::vector<ForeignRule> foreign_rules() = 0;

  // Why an interface here cannot have it ("netem", "tbf"); empty when it can.
  virtual std::string why_no_discipline(const std::string& discipline) = 0;
  // The root discipline's name if somebody has set one there; empty: the kernel's own.
  // kNotFound: no such interface.
  virtual Result<std::string> discipline(const std::string& interface) = 0;
  virtual bool is_ours(const std::string& interface) = 0;
  // Words of tc: {"tbf", "rate", …}. This agent's own port and ssh are never shaped.
  virtual Status set_discipline(const std::string& interface,
                                const std::vector<std::string>& words) = 0;
  // How packets get through an interface now; see packet_tap.h.
  virtual Result<TapReport> look_at(const TapPlan& plan) = 0;
  // Ours alone, and only if it is there.
  virtual Status clear_discipline(const std::string& interface) = 0;
};

}  // namespace panshi::agent
