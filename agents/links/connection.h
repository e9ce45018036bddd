// SPDX-License-Identifier: Apache-2.0
// Connection: one client and one upstream socket, and the two streams of bytes between them.
//
// A stream reads a chunk and sends it on at once; only what the other side does not take, or a
// toxic holds back, is kept. So an idle connection keeps no buffer. The end of a stream, FIN
// (half-close) or RST, travels behind its bytes: whoever is reset has got every byte that came
// before, as on a direct connection. Only reset() overtakes.
// Thread `links` only. By file: connection.cc (from dial to end), streams.cc (bytes on their way).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agents/links/event_loop.h"
#include "agents/links/link_table.h"
#include "agents/links/names.h"
#include "agents/links/toxic_chain.h"
#include "core/base/random.h"

namespace panshi::agent {

// What all links of a table share, and its bounds.
struct DataPath {
  std::size_t descriptors_max = 0;
  Names names;
  std::size_t connections = 0;
  std::size_t ports = 0;
  std::size_t held = 0;  // bytes, by all connections
  Fd spare = {};         // given up for a moment by who is out of descriptors

  bool has_room(std::size_t descriptors) const {
    return 2 * connections + ports + descriptors <= descriptors_max;
  }
  // What a link that has `own` connections may have in all. Once half of the room is taken it is an
  // equal share: a link that is flooded leaves the others what they need.
  std::size_t room_of_link(std::size_t own) const {
    const std::size_t half = descriptors_max / 4;  // two descriptors each
    const std::size_t of_others = std::min(half, connections - own);
    return std::max(half - of_others, descriptors_max / (2 * std::max<std::size_t>(ports, 1)));
  }
};

// Who a client is to a limit: its IPv4 address as IPv6 maps it, or its IPv6 /64; zeros: not known.
using Source = std::array<std::uint8_t, 16>;
struct SourceAccount {
  std::size_t connections = 0;
  std::size_t held = 0;  // bytes
};
using Sources = std::map<Source, SourceAccount>;
// Of `room` for all sources of a link, of which `taken` are taken: what each may have. The last
// eighth is for those who have less than an equal share: a source that floods the link leaves the
// others what they need, and one that is alone has seven eighths.
constexpr std::size_t share_of_source(std::size_t room, std::size_t taken, std::size_t sources) {
  const std::size_t shared = room - room / 8;
  return taken < shared ? room
                        : std::max<std::size_t>(shared / std::max<std::size_t>(sources, 1), 1);
}

// What the connections of one link have in common.
struct LinkFlow {
  EventLoop& loop;
  std::span<char> scratch;  // LinkTable::kHeldMax bytes, of the thread
  DataPath& all;
  Duration connect_timeout;
  std::optional<Address> source = {};          // that dials come from
  std::optional<uid_t> account = {};           // whose the sockets are
  std::optional<uid_t> upstream_account = {};  // who may hold the upstream's port
  MonoTime foreign_again{};                    // when it is said again that somebody else does
  int send_proxy = 0;               // version of the PROXY header that the upstream gets first
  std::int64_t bad_headers = 0;     // of proxies
  bool closes_unconnected = false;  // a dial that fails closes the client; else it is reset
  bool http = false;
  std::vector<ToxicRow> toxics = {};  // in the order they were added
  std::size_t held = 0;               // bytes
  Sources sources = {};               // that have connections
  std::int64_t connect_failed = 0;
  std::array<std::int64_t, 2> delivered = {};  // bytes, by way
};

class Connection {
 public:
  // What did not reach a peer by then, after everything was closed in order, is reset.
  static constexpr Duration kFinishMax = std::chrono::seconds(30);
  // A peer that has taken all, its end too, has so long to close its side.
  static constexpr Duration kLingerMax = std::chrono::seconds(1);

  static constexpr int kReadsPerRound = 8;  // of one stream, before others have their turn

  enum Way : std::size_t { kUp = 0, kDown = 1 };   // client to upstream, and back
  using Ended = std::function<void(Connection&)>;  // destroy it at the end of the round, not before

  Connection(LinkFlow& flow, Fd client, std::uint64_t seed, Ended ended);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Reads the PROXY header that the client begins with, then calls `greeted`, which is to dial. A
  // client without one, or whose is late, is reset. REQUIRES: nothing was called before.
  void greet(std::function<void(Connection&)> greeted);
  // Who the upstream is told that the client is.
  std::optional<ProxyOrigin> origin;

  // Dials `addresses` in their order, of the upstream of that name; none: waits for them, and is to
  // be told by another call. While not yet connected: anew.
  void dial(const std::string& upstream, std::vector<Address> addresses);
  void fail_connect();  // nothing of the upstream answers
  const std::string& upstream() const { return upstream_; }
  bool connected() const { return state_ >= State::kOpen; }
  bool waits_for_addresses() const { return state_ == State::kConnecting && addresses_.empty(); }

  void reset();  // RST to both sides, at once
  // Ends it in order: what was read or can be read now is delivered at once, then FIN to both.
  void finish();
  void add_toxic(const ToxicRow& row);  // REQUIRES: row.toxic.on_stream()
  void change_toxic(const ToxicRow& row);
  void remove_toxic(const std::string& id);  // what it held is delivered

  std::size_t slot = 0;  // its place in the list of its link, which keeps it
  // Its link counts by them; null while it is not known whose it is. Set before anything is read.
  Sources::value_type* source = nullptr;

 private:
  // kEnding: all is sent, and RST or the last look at the peers is due once they have taken it.
  enum class State { kNew, kGreeting, kConnecting, kOpen, kEnding, kEnded };
  struct Side final : Watcher {
    Connection* owner = nullptr;
    Fd fd;
    bool readable = false;
    bool writable = false;
    bool hung_up = false;  // the peer sent FIN: read on until the end, no edge will tell again
    bool failed = false;   // RST or worse: takes nothing any more; what it sent can still be read
    bool error_seen = false;  // and said by a send, so that reading ends as if by FIN
    MonoTime taken_since = MonoTime::max();  // the peer has everything
    void on_events(std::uint32_t events) override { owner->on_side(*this, events); }
  };
  struct Stream final : Timer {
    Connection* owner = nullptr;
    Way way = kUp;
    Side* from = nullptr;
    Side* to = nullptr;
    std::unique_ptr<ToxicChain> chain;  // null while no toxic is on
    std::optional<Piece> front;         // out of the chain, not yet sent
    std::size_t sent_of_front = 0;
    std::size_t counted = 0;  // bytes held, as the link and the table know them
    bool end_read = false;
    bool end_sent = false;
    std::uint64_t seed = 0;
    void on_timer() override { owner->on_due(); }
  };
  struct Alarm final : Timer {
    Connection* owner = nullptr;
    void on_timer() override { owner->on_alarm(); }
  };
  enum class Step { kGoOn, kWait, kClose, kBroken };

  void on_side(Side& side, std::uint32_t events);
  void read_greeting();
  bool is_foreign();  // somebody holds the upstream's port who may not
  void on_connect_event(std::uint32_t events);
  void try_next_address();
  void on_due();
  void on_alarm();
  void pump();
  Step pump(Stream& stream);
  Step deliver(Stream& stream);
  Step deliver_front(Stream& stream);
  Step deliver_end(Stream& stream);
  bool next_front(Stream& stream);
  Step take(Stream& stream);
  Step take_bytes(Stream& stream, std::size_t size);
  void take_end(Stream& stream, Piece::Kind kind);
  // Sent bytes, 0 when the socket is full or broken.
  std::size_t send(Stream& stream, const char* data, std::size_t size);
  void hold(Stream& stream, Piece piece);
  std::size_t room(Stream& stream);
  void count(Stream& stream);  // what it holds, in the sums of the link and the table
  void drop(Stream& stream);
  bool over(const Stream& stream) const { return stream.end_sent || stream.to->failed; }
  Stream& other(const Stream& stream) { return streams_[stream.way == kUp ? kDown : kUp]; }
  void follow_http(Random random);
  template <class Act>
  void each_way(const Toxic& toxic, Act act);
  void fail(Side& side);
  void finish_all();
  void begin_ending(bool with_reset);
  void end_what_can();
  bool can_end(Side& side);
  void end();

  LinkFlow& flow_;
  Ended ended_;
  State state_ = State::kNew;
  std::string upstream_;
  std::vector<Address> addresses_;  // to be tried
  std::size_t next_address_ = 0;
  MonoTime until_{};  // of the dial; of finishing
  Side client_;
  Side server_;
  std::array<Stream, 2> streams_;
  Alarm alarm_;
  std::function<void(Connection&)> greeted_;
  bool watched_ = false;        // the client, before the first dial
  bool finish_wanted_ = false;  // in its turn
  bool finishing_ = false;
  bool ends_with_reset_ = false;
  Duration look_again_ = std::chrono::milliseconds(1);
};

}  // namespace panshi::agent
