// SPDX-License-Identifier: Apache-2.0
#include "agents/links/connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "agents/links/http_stages.h"

namespace panshi::agent {
namespace {

constexpr std::size_t kChunkMax = 256 * 1024;  // one read; docs/decisions/0004 has the figures
constexpr int kReadsPerRound = 8;              // of one stream, before others have their turn
constexpr std::uint32_t kEdges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

bool touches(const Toxic& toxic, Connection::Way way) {
  return toxic.direction == Toxic::Direction::kBoth ||
         (toxic.direction == Toxic::Direction::kUpstream) == (way == Connection::kUp);
}

}  // namespace

Connection::Connection(LinkFlow& flow, Fd client, std::uint64_t seed, Ended ended)
    : flow_(flow), ended_(std::move(ended)) {
  Random random(seed);
  client_.owner = server_.owner = connect_timer_.owner = this;
  client_.fd = std::move(client);
  for (const Way way : {kUp, kDown}) {
    Stream& stream = streams_[way];
    stream.owner = this;
    stream.way = way;
    stream.from = way == kUp ? &client_ : &server_;
    stream.to = way == kUp ? &server_ : &client_;
    stream.seed = random.next();
  }
  if (flow_.http) follow_http(random.fork());
  for (const ToxicRow& row : flow_.toxics) {
    if (row.toxic.on_stream()) add_toxic(row);
  }
}

void Connection::follow_http(Random random) {
  auto [requests, answers] = make_http_stages(flow_.toxics, random);
  for (Stream& stream : streams_) {
    stream.chain = std::make_unique<ToxicChain>(Random(stream.seed++));
    stream.chain->add(std::move(stream.way == kUp ? requests : answers));
  }
}

Connection::~Connection() {
  flow_.loop.disarm(connect_timer_);
  for (Stream& stream : streams_) flow_.loop.disarm(stream);
  flow_.loop.forget(client_);
}

void Connection::dial(const std::string& upstream, const Address& address) {
  if (state_ == State::kOpen || state_ == State::kEnded) return;
  const bool first = state_ == State::kNew;
  upstream_ = upstream;
  state_ = State::kConnecting;
  server_.writable = false;
  auto fd = start_connect(address);
  if (!fd) return fail_connect();
  server_.fd = std::move(*fd);  // closes the earlier try
  if (!flow_.loop.watch(server_.fd.get(), kEdges, server_)) return fail_connect();
  if (first && !flow_.loop.watch(client_.fd.get(), kEdges, client_)) return fail_connect();
  flow_.loop.arm(connect_timer_, flow_.loop.now() + flow_.connect_timeout);
}

void Connection::fail_connect() {
  ++flow_.connect_failed;
  if (flow_.closes_unconnected) return close();
  reset();  // what a client of the upstream itself would see soonest; FIN would look like success
}

void Connection::reset() {
  if (state_ == State::kEnded) return;
  close_with_reset(client_.fd);
  close_with_reset(server_.fd);
  end();
}

void Connection::close() {
  if (state_ == State::kEnded) return;
  client_.fd.reset();
  server_.fd.reset();
  end();
}

void Connection::end() {
  state_ = State::kEnded;
  flow_.loop.disarm(connect_timer_);
  for (Stream& stream : streams_) flow_.loop.disarm(stream);
  ended_(*this);
}

void Connection::on_side(Side& side, std::uint32_t events) {
  if (state_ == State::kEnded) return;
  if (events & EPOLLERR && !(&side == &server_ && state_ == State::kConnecting)) return reset();
  if (events & (EPOLLIN | EPOLLHUP)) side.readable = true;
  if (events & (EPOLLRDHUP | EPOLLHUP)) side.readable = side.hung_up = true;
  if (state_ == State::kConnecting) {
    if (&side == &server_) return on_connect_event(events);
    if (events & EPOLLOUT) side.writable = true;
    return;
  }
  if (events & EPOLLOUT) side.writable = true;
  pump();
}

void Connection::on_connect_event(std::uint32_t events) {
  // A socket before connect() says EPOLLHUP and EPOLLOUT once, without an error; so ask for it.
  if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return;
  if (socket_error(server_.fd.get()) != 0) return fail_connect();
  if (!(events & EPOLLOUT)) return;
  state_ = State::kOpen;
  server_.writable = client_.writable = true;
  flow_.loop.disarm(connect_timer_);
  pump();
}

void Connection::on_due() {
  if (state_ == State::kOpen) pump();
}

template <class Act>
void Connection::each_way(const Toxic& toxic, Act act) {
  if (state_ == State::kEnded) return;
  for (Stream& stream : streams_) {
    if (touches(toxic, stream.way)) act(stream);
  }
  if (state_ == State::kOpen) pump();
}

void Connection::add_toxic(const ToxicRow& row) {
  const MonoTime now = flow_.loop.now();
  each_way(row.toxic, [&](Stream& stream) {
    if (!stream.chain) stream.chain = std::make_unique<ToxicChain>(Random(stream.seed++));
    stream.chain->add(row, now);
  });
}

void Connection::change_toxic(const ToxicRow& row) {
  const MonoTime now = flow_.loop.now();
  each_way(row.toxic, [&](Stream& stream) {
    if (stream.chain) stream.chain->change(row, now);
  });
}

void Connection::remove_toxic(const std::string& id) {
  const MonoTime now = flow_.loop.now();
  each_way({}, [&](Stream& stream) {
    if (stream.chain) stream.chain->remove(id, now);
  });
}

void Connection::pump() {
  for (Stream& stream : streams_) {
    const Step step = pump(stream);
    if (step == Step::kBroken) return reset();
    if (step == Step::kClose) return close();
  }
  if (streams_[kUp].end_sent && streams_[kDown].end_sent) close();
}

Connection::Step Connection::pump(Stream& stream) {
  for (int reads = 0; reads < kReadsPerRound; ++reads) {
    if (const Step step = deliver(stream); step != Step::kGoOn) return step;
    const Step step = take(stream);
    if (step == Step::kBroken) return step;
    // A chunk that was read just now may be due at once (a delay with a jitter as large).
    if (step == Step::kWait) return deliver(stream);
  }
  flow_.loop.once_more(client_);
  return Step::kWait;
}

// Sends what is held and due. Says kGoOn unless the connection ends: reading has its own bounds.
Connection::Step Connection::deliver(Stream& stream) {
  while (stream.front || next_front(stream)) {
    if (stream.front->kind == Piece::Kind::kData && !stream.to->writable) return Step::kGoOn;
    if (const Step step = deliver_front(stream); step != Step::kGoOn) return step;
  }
  return Step::kGoOn;
}

// False: nothing is due; the timer is set for what comes.
bool Connection::next_front(Stream& stream) {
  if (!stream.chain) return false;
  stream.front = stream.chain->give(flow_.loop.now());
  if (stream.front) return true;
  if (stream.chain->empty()) stream.chain.reset();
  const MonoTime due = stream.chain ? stream.chain->next_deadline() : MonoTime::max();
  if (due == MonoTime::max()) {
    flow_.loop.disarm(stream);
  } else {
    flow_.loop.arm(stream, due);
  }
  return false;
}

Connection::Step Connection::deliver_front(Stream& stream) {
  const Piece& piece = *stream.front;
  if (piece.kind == Piece::Kind::kClose) return Step::kClose;
  if (piece.kind == Piece::Kind::kReset) return Step::kBroken;
  if (piece.kind == Piece::Kind::kEnd) return deliver_end(stream);
  const ssize_t sent = send(stream, piece.bytes.data() + stream.sent_of_front,
                            piece.bytes.size() - stream.sent_of_front);
  if (sent < 0) return Step::kBroken;
  stream.sent_of_front += static_cast<std::size_t>(sent);
  if (stream.sent_of_front < piece.bytes.size()) return Step::kGoOn;
  stream.front.reset();
  stream.sent_of_front = 0;
  return Step::kGoOn;
}

Connection::Step Connection::deliver_end(Stream& stream) {
  stream.front.reset();
  if (stream.end_sent) return Step::kGoOn;
  stream.end_sent = true;
  const Stream& other = streams_[stream.way == kUp ? kDown : kUp];
  if (other.end_sent) return Step::kGoOn;  // both are closed at once
  // Fails only when the peer is gone for good, which ends the connection as well.
  return ::shutdown(stream.to->fd.get(), SHUT_WR) == 0 ? Step::kGoOn : Step::kBroken;
}

// Reads one chunk if there is one and room for it.
Connection::Step Connection::take(Stream& stream) {
  if (stream.end_read || !stream.from->readable) return Step::kWait;
  if (!stream.chain) return stream.front ? Step::kWait : take_bytes(stream, kChunkMax);
  const std::size_t held = stream.chain->weight() + (stream.front ? stream.front->weight() : 0);
  if (held + 2 * Piece::kOverhead >= LinkTable::kHeldDelayedMax) return Step::kWait;
  return take_bytes(stream,
                    std::min(kChunkMax, LinkTable::kHeldDelayedMax - held - Piece::kOverhead));
}

Connection::Step Connection::take_bytes(Stream& stream, std::size_t size) {
  Side& from = *stream.from;
  const ssize_t got = ::recv(from.fd.get(), flow_.scratch.data(), size, 0);
  if (got < 0) {
    if (errno == EINTR) return Step::kGoOn;
    if (errno != EAGAIN) return Step::kBroken;
    from.readable = false;
    return Step::kWait;
  }
  if (got == 0) {
    stream.end_read = true;
    hold(stream, {.at = flow_.loop.now(), .bytes = {}, .kind = Piece::Kind::kEnd});
    return Step::kWait;
  }
  const auto count = static_cast<std::size_t>(got);
  const bool emptied = count < size && !from.hung_up;  // the next byte makes a new edge
  if (emptied) from.readable = false;
  std::size_t sent = 0;
  const bool straight = !stream.chain && stream.to->writable;  // so nothing is held
  if (straight) {
    const ssize_t taken = send(stream, flow_.scratch.data(), count);
    if (taken < 0) return Step::kBroken;
    sent = static_cast<std::size_t>(taken);
  }
  if (sent < count) {
    hold(stream,
         {.at = flow_.loop.now(), .bytes = std::string(flow_.scratch.data() + sent, count - sent)});
  }
  return emptied ? Step::kWait : Step::kGoOn;
}

ssize_t Connection::send(Stream& stream, const char* data, std::size_t size) {
  for (;;) {
    const ssize_t sent = ::send(stream.to->fd.get(), data, size, MSG_NOSIGNAL);
    if (sent >= 0) {
      flow_.delivered[stream.way] += sent;
      if (static_cast<std::size_t>(sent) < size) stream.to->writable = false;
      return sent;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return -1;
    stream.to->writable = false;
    return 0;
  }
}

void Connection::hold(Stream& stream, Piece piece) {
  if (stream.chain) return stream.chain->take(std::move(piece), flow_.loop.now());
  stream.front = std::move(piece);
}

}  // namespace panshi::agent
