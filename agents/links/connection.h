// SPDX-License-Identifier: Apache-2.0
// Connection: one client and one upstream socket, and the two streams of bytes between them.
//
// A stream reads a chunk and sends it on at once; only what the other side does not take, or a
// delay holds back, is kept. So an idle connection keeps no buffer. End of file travels as the
// last chunk of its stream (half-close); an error on either side resets both at once.
// Thread `links` only.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agents/links/event_loop.h"
#include "agents/links/link_table.h"
#include "core/base/random.h"

namespace panshi::agent {

// A delay toxic that is on, and what it did so far.
struct DelayRow {
  static constexpr std::size_t kRecentMax = 1024;
  Toxic toxic;
  std::int64_t chunks = 0;
  Duration sum{};
  Duration max{};
  std::vector<Duration> recent_late = {};  // ring of the last kRecentMax

  void add(Duration took, Duration late);
  DelayAccount account() const;
};

// What the connections of one link have in common.
struct LinkFlow {
  EventLoop& loop;
  std::vector<char>& scratch;  // LinkTable::kHeldMax bytes, of the thread
  Duration connect_timeout;
  std::map<std::string, DelayRow> delays = {};  // by toxic id
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

  void reset();           // RST to both sides
  void close();           // FIN to both sides; what is held is dropped
  void delays_changed();  // after flow.delays has: delivers what nothing delays any more

 private:
  enum class State { kNew, kConnecting, kOpen, kEnded };
  struct Chunk {
    MonoTime read;
    MonoTime drawn;     // to be delivered then
    std::string bytes;  // empty: end of file
    bool delayed = false;
  };
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
    std::deque<Chunk> held;
    std::size_t held_bytes = 0;  // with the overhead of each chunk
    std::size_t sent_of_first = 0;
    MonoTime last_drawn{};
    bool end_read = false;
    bool end_sent = false;
    Random random{0};
    void on_timer() override { owner->on_due(); }
  };
  struct ConnectTimer final : Timer {
    Connection* owner = nullptr;
    void on_timer() override { owner->fail_connect(); }
  };
  enum class Step { kGoOn, kWait, kBroken };

  void on_side(Side& side, std::uint32_t events);
  void on_connect_event(std::uint32_t events);
  void on_due();
  void fail_connect();
  void pump();
  Step pump(Stream& stream);
  Step deliver(Stream& stream, MonoTime now);
  Step deliver_end(Stream& stream);
  Step take(Stream& stream);
  Step take_bytes(Stream& stream, std::size_t size);
  // Sent bytes, 0 when the socket is full, -1 when it is broken.
  ssize_t send(Stream& stream, const char* data, std::size_t size);
  bool delayed(const Stream& stream) const;
  void hold(Stream& stream, std::string bytes);
  std::optional<MonoTime> draw_due(Stream& stream, MonoTime now);
  void account(const Stream& stream, const Chunk& chunk, MonoTime now);
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
