// SPDX-License-Identifier: Apache-2.0
// LinkTable: carries the node's TCP links, and slows, cuts or reroutes them while they are in use.
//
// A link listens on one address and passes each connection to the upstream in use. Toxics act at
// once, on established connections too. What a link does to a stream is to delay, cut or end it:
// bytes are never doubled or reordered, and none is missing before one that is delivered;
// half-close is kept. A direction holds at most kHeldMax bytes, or kHeldDelayedMax while a toxic is
// on; then it stops reading, so the sender feels the back-pressure (a delay thus limits the rate,
// see docs/decisions/0004-link-data-path.md).
//
// All work is done on its own thread `links`. Calls may come from any thread; they wait for that
// thread, which never blocks on a peer, and give up with kTimeout after kCallTimeout.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agents/links/names.h"
#include "agents/links/toxic.h"
#include "agents/links/toxic_account.h"
#include "agents/links/upstream_choice.h"
#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi::agent {

struct BoundPort;

struct LinkUpstream {
  std::string name;
  std::string address;  // "127.0.0.1:3306", "[::1]:3306", "db:3306"
  int weight = 1;       // counts while connections are drawn by weight
};

struct UpstreamState {
  std::string name;
  std::string address;
  int weight = 1;
  std::string health;  // up | down | unknown
  bool drained = false;
  std::int64_t connections = 0;  // open now
};

struct LinkSpec {
  static constexpr std::size_t kConnectionsMax = 20'000;

  std::string name;
  std::string listen;                                  // "127.0.0.1:17841"; port 0: any, see port()
  std::shared_ptr<BoundPort> port = {};                // taken already by reserve(), else `listen`
  bool suspended = false;                              // listens when it is resumed
  std::vector<LinkUpstream> upstreams;                 // the first one is in use at first
  std::uint64_t seed = 0;                              // of the jitter; 0: made from the name
  Duration connect_timeout = std::chrono::seconds(3);  // to the upstream
  bool http = false;                // it carries HTTP/1, and takes HTTP-aware toxics
  bool closes_unconnected = false;  // a client whose upstream refuses gets FIN instead of RST
  bool by_weight = false;           // no upstream is in use: connections are drawn over them
  Failback failback = Failback::kNever;
  Duration failback_hold{};
  std::size_t connections_max = kConnectionsMax;  // beyond: reset at once, counted and told
  std::string source = {};  // address that connections to upstreams come from; "": any
  int send_proxy = 0;       // version of the PROXY header that upstreams get first; 0: none
  // Addresses of proxies: their connections begin with such a header, which is taken off, and whose
  // source is the client's address from then on.
  std::vector<std::string> proxies = {};
  // Whose its sockets are, where it is not the agent's own link (SocketsOf).
  std::optional<uid_t> account = {};
  // Who may hold an upstream's port on this machine, besides root and the agent's user: nobody else
  // who took it is given what clients say. Nothing: whoever does.
  std::optional<uid_t> upstream_account = {};
  // Of one client's address, or of one IPv6 /64. As many as of the link: it is not counted.
  std::size_t connections_per_source = kConnectionsMax;
};

struct LinkState {
  std::string name;
  std::string listen;    // with the real port
  std::string upstream;  // name of the one in use, or "by weight"
  std::vector<UpstreamState> upstreams;
  std::vector<std::pair<std::string, Toxic>> toxics;  // id first; in the order they were added
  bool http = false;
  bool down = false;                // a `kDown` toxic is on, or it is suspended
  std::int64_t connections = 0;     // open now
  std::int64_t accepted = 0;        // ever
  std::int64_t connect_failed = 0;  // upstream refused, unreachable or too slow
  std::int64_t refused_full = 0;    // the link's or the node's limit was reached
  std::int64_t bad_headers = 0;     // connections of proxies without a PROXY header in time
  std::int64_t bytes_upstream = 0;  // delivered, client to upstream
  std::int64_t bytes_downstream = 0;
};

class LinkTable {
 public:
  static constexpr std::size_t kHeldMax = 256 * 1024;
  static constexpr std::size_t kHeldToxicMax = 1 << 20;
  static constexpr std::size_t kHeldLinkMax = 64 << 20;  // by all connections of a link
  static constexpr std::size_t kHeldAllMax = 256 << 20;
  static constexpr std::size_t kHeldAlways = 16 * 1024;
  static constexpr std::size_t kToxicsMax = 1024;  // on one link
  // Descriptors that connections and ports leave to everything else, whatever comes: a quarter of
  // the process's, at most so many.
  static constexpr std::size_t kReserveMax = 8192;
  static constexpr Duration kDelayMax = std::chrono::hours(1);
  static constexpr Duration kCallTimeout = std::chrono::seconds(2);
  static constexpr Duration kCloseWithin = std::chrono::milliseconds(250);

  enum class Established { kDrain, kReset };
  struct Rerouted {
    std::string from;
    std::string to;
  };

  // A link leads elsewhere, and nobody asked it to: `why` is failover, failback or drain.
  struct Moved {
    std::string link;
    Rerouted way;
    std::string why;
  };
  // New connections are refused: too many are open on the link, on all of the node, or from one
  // source.
  struct Full {
    std::string link;
    std::size_t connections = 0;
    const char* limit_of = "link";  // node | source
    std::int64_t refused = 0;       // by this link, ever
  };

  // The callbacks run on the thread `links` and must not call back.
  struct Options {
    std::function<void(const Moved&)> on_moved = {};
    std::function<void(const Full&)> on_full = {};  // at most once a minute for each link
    // Looks up a name, may block: {} is getaddrinfo. REQUIRES: outlives even the table.
    Names::Resolve resolve = {};
    std::size_t descriptors_max = 0;  // of the process; 0: as the kernel says
  };

  // kInternal when the kernel gives no epoll or timer.
  static Result<std::unique_ptr<LinkTable>> create(Options options);
  static Result<std::unique_ptr<LinkTable>> create();
  ~LinkTable();  // ends every connection in order, within kCloseWithin
  LinkTable(const LinkTable&) = delete;
  LinkTable& operator=(const LinkTable&) = delete;

  // A port for open() and resume(). kInvalid for a malformed address; kConflict when it is taken.
  // `account`: as in LinkSpec.
  static Result<std::shared_ptr<BoundPort>> reserve(const std::string& listen,
                                                    std::optional<uid_t> account = {});

  // kInvalid for a malformed address; kConflict when the name or the port is taken.
  Status open(const LinkSpec& spec);
  // Its connections end in order; no error when absent. kConflict while it has toxics whose ids do
  // not begin with `owner`: closing would lift them.
  Status close(const std::string& link, const std::string& owner = "");
  // It gives its port back, and its connections end in order; toxics stay, and may come and go.
  Status suspend(const std::string& link);
  Status resume(const std::string& link, std::shared_ptr<BoundPort> port);
  // Other upstreams and what goes with them, of spec.name; established connections end in order.
  Status lead_to(const LinkSpec& spec);
  bool has(const std::string& link) const;
  // Looks a name up in the links' way, waiting at most so long.
  Result<std::vector<std::string>> look_up(const std::string& host, Duration within) const;

  // New connections go to `upstream` from now on; established ones live on (kDrain) or get RST.
  // kNotFound lists the upstreams there are. To the one in use already: no error, nothing reset.
  Result<Rerouted> reroute(const std::string& link, const std::string& upstream,
                           Established established);

  // Beside reroute, which ends drawing by weight and a drain of that upstream. Errors as there.
  // No new connection goes to it; what is established is reset after `within`.
  Status drain(const std::string& link, const std::string& upstream, Duration within);
  Status undrain(const std::string& link, const std::string& upstream);
  // Begins drawing by weight; one that is not named keeps its own. kInvalid when none is above 0.
  Status set_weights(const std::string& link, const std::map<std::string, int>& weights);
  // What a health check found, when it changed.
  // `how`: what becomes of connections established to one that is down.
  Status set_health(const std::string& link, const std::string& upstream, bool up,
                    Established how = Established::kDrain);

  // Ids of faults have no `:`; what another owner puts on begins with its name and a `:`.
  // The same id and toxic again: no error. kConflict: the id is taken by another toxic.
  Status add_toxic(const std::string& link, const std::string& id, const Toxic& toxic);
  // Other figures, the same kind and direction (else kInvalid); kNotFound when it is not there.
  Status change_toxic(const std::string& link, const std::string& id, const Toxic& toxic);
  // No error when it is not there. What it held is delivered, in order; where it dropped bytes the
  // connection is closed instead.
  Status remove_toxic(const std::string& link, const std::string& id);
  // Since the toxic was added; kNotFound when it is not there.
  Result<ToxicReport> toxic_report(const std::string& link, const std::string& id) const;

  // In the order they were opened; empty when the thread does not answer.
  std::vector<LinkState> links() const;
  Result<std::uint16_t> port(const std::string& link) const;

 private:
  struct Impl;
  explicit LinkTable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The object `link` and the toxics in it, as docs/reference/agent-api.md has them.
nlohmann::json to_json(const LinkState& link);

}  // namespace panshi::agent
