// SPDX-License-Identifier: Apache-2.0
// Connection: one client and one upstream socket, and the two streams of bytes between them.
//
// A stream reads a chunk and sends it on at once; only what the other side does not take, or a
// toxic holds back, is kept. So an idle connection keeps no buffer. End of file travels as the
// last piece of its stream (half-close); an error on either side resets both at once.
// Thread `links` only.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/links/event_loop.h"
#include "agents/links/link_table.h"
#include "agents/links/toxic_chain.h"
#include "core/base/random.h"

namespace panshi::agent {

// What the connections of one link have in common.
struct LinkFlow {
  EventLoop& loop;
  std::vector<char>& scratch;  // LinkTable::kHeldMax bytes, of the thread
  Duration connect_timeout;
  bool closes_unconnected = false;  // a dial that fails closes the client; else it is reset
  bool http = false;
  std::vector<ToxicRow> toxics = {};  // in the order they were added
  std::int64_t connect_failed = 0;
  std::array<std::int64_t, 2> delivered = {};  // bytes, by way
};

class Connection {
 public:
  enum Way : std::size_t { kUp = 0, kDown = 1 };   // client to upstream, and back
  using Ended = std::function<void(Connection&)>;  // destroy it at the end of the round, not before

  Connection(LinkFlow& flow, Fd client, std::uint64_t seed, Ended ended);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Dials `address`, which has the name `upstream`; again while not yet connected: anew.
  void dial(const std::string& upstream, const Address& address);
  const std::string& upstream() const { return upstream_; }
  bool connected() const { return state_ == State::kOpen; }

  void reset();                         // RST to both sides
  void close();                         // FIN to both sides; what is held is dropped
  void add_toxic(const ToxicRow& row);  // REQUIRES: row.toxic.on_stream()
  void change_toxic(const ToxicRow& row);
  void remove_toxic(const std::string& id);  // what it held is delivered

  std::size_t slot = 0;  // its place in the list of its link, which keeps it

 private:
  enum class State { kNew, kConnecting, kOpen, kEnded };
  struct Side final : Watcher {
    Connection* owner = nullptr;
    Fd fd;
    bool readable = false;
    bool writable = false;
    bool hung_up = false;  // the peer sent FIN: read on until the end, no edge will tell again
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
    bool end_read = false;
    bool end_sent = false;
    std::uint64_t seed = 0;
    void on_timer() override { owner->on_due(); }
  };
  struct ConnectTimer final : Timer {
    Connection* owner = nullptr;
    void on_timer() override { owner->fail_connect(); }
  };
  enum class Step { kGoOn, kWait, kClose, kBroken };

  void on_side(Side& side, std::uint32_t events);
  void on_connect_event(std::uint32_t events);
  void on_due();
  void fail_connect();
  void pump();
  Step pump(Stream& stream);
  Step deliver(Stream& stream);
  Step deliver_front(Stream& stream);
  Step deliver_end(Stream& stream);
  bool next_front(Stream& stream);
  Step take(Stream& stream);
  Step take_bytes(Stream& stream, std::size_t size);
  // Sent bytes, 0 when the socket is full, -1 when it is broken.
  ssize_t send(Stream& stream, const char* data, std::size_t size);
  void hold(Stream& stream, Piece piece);
  void follow_http(Random random);
  template <class Act>
  void each_way(const Toxic& toxic, Act act);
  void end();

  LinkFlow& flow_;
  Ended ended_;
  State state_ = State::kNew;
  std::string upstream_;
  Side client_;
  Side server_;
  std::array<Stream, 2> streams_;
  ConnectTimer connect_timer_;
};

}  // namespace panshi::agent
