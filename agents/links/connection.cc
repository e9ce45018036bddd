// SPDX-License-Identifier: Apache-2.0
#include "agents/links/connection.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agents/links/http_stages.h"
#include "core/base/text.h"
#include "core/io/log.h"
#include "core/io/socket_end.h"

namespace panshi::agent {
namespace {

constexpr std::uint32_t kEdges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr Duration kLookAgainMax = std::chrono::milliseconds(256);
constexpr int kDiscardsPerRound = 8;
constexpr Duration kForeignToldEvery = std::chrono::minutes(1);

bool touches(const Toxic& toxic, Connection::Way way) {
  return toxic.direction == Toxic::Direction::kBoth ||
         (toxic.direction == Toxic::Direction::kUpstream) == (way == Connection::kUp);
}

}  // namespace

Connection::Connection(LinkFlow& flow, Fd client, std::uint64_t seed, Ended ended)
    : flow_(flow), ended_(std::move(ended)) {
  Random random(seed);
  ++flow_.all.connections;
  client_.owner = server_.owner = alarm_.owner = this;
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
  --flow_.all.connections;
  flow_.loop.disarm(alarm_);
  for (Stream& stream : streams_) {
    flow_.loop.disarm(stream);
    drop(stream);
  }
  flow_.loop.forget(client_);
}

void Connection::greet(std::function<void(Connection&)> greeted) {
  greeted_ = std::move(greeted);
  state_ = State::kGreeting;
  if (!flow_.loop.watch(client_.fd.get(), kEdges, client_)) return reset();
  watched_ = true;
  flow_.loop.arm(alarm_, flow_.loop.now() + flow_.connect_timeout);
}

// What is behind the header stays in the socket.
void Connection::read_greeting() {
  const ssize_t got = ::recv(client_.fd.get(), flow_.scratch.data(), kProxyHeaderMax, MSG_PEEK);
  if (got < 0 && (errno == EAGAIN || errno == EINTR) && !client_.hung_up) return;
  const auto header = read_proxy_header(
      {flow_.scratch.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))});
  const bool waits = header && !*header && got > 0 && !client_.hung_up;
  if (waits) return;
  if (!header || !*header) {
    ++flow_.bad_headers;
    return reset();
  }
  (void)::recv(client_.fd.get(), flow_.scratch.data(), (*header)->size, 0);
  origin = (*header)->origin;
  flow_.loop.disarm(alarm_);
  state_ = State::kNew;
  std::exchange(greeted_, {})(*this);
}

void Connection::dial(const std::string& upstream, std::vector<Address> addresses) {
  if (connected()) return;
  const bool first = state_ == State::kNew;
  upstream_ = upstream;
  state_ = State::kConnecting;
  if (first && !watched_ && !flow_.loop.watch(client_.fd.get(), kEdges, client_)) {
    return fail_connect();
  }
  server_.writable = false;
  server_.fd.reset();  // of an earlier try
  if (!waits_for_addresses() || first) until_ = flow_.loop.now() + flow_.connect_timeout;
  addresses_ = std::move(addresses);
  next_address_ = 0;
  if (addresses_.empty()) return flow_.loop.arm(alarm_, until_);
  try_next_address();
}

void Connection::try_next_address() {
  while (next_address_ < addresses_.size()) {
    const auto left = static_cast<int>(addresses_.size() - next_address_);
    const SocketsOf theirs(flow_.account);
    auto fd = start_connect(addresses_[next_address_++], flow_.source ? &*flow_.source : nullptr);
    if (!fd) continue;
    server_.fd = std::move(*fd);
    server_.readable = server_.hung_up = false;  // of the one before
    if (!flow_.loop.watch(server_.fd.get(), kEdges, server_)) continue;
    // One that does not answer leaves time for those behind it.
    const MonoTime now = flow_.loop.now();
    return flow_.loop.arm(alarm_, now + std::max(Duration(0), until_ - now) / left);
  }
  fail_connect();
}

void Connection::fail_connect() {
  if (state_ >= State::kOpen) return;
  ++flow_.connect_failed;
  server_.fd.reset();
  if (flow_.closes_unconnected) return begin_ending(false);
  reset();  // what a client of the upstream itself would see soonest; FIN would look like success
}

void Connection::reset() {
  if (state_ == State::kEnded) return;
  close_with_reset(client_.fd);
  close_with_reset(server_.fd);
  end();
}

void Connection::end() {
  state_ = State::kEnded;
  flow_.loop.disarm(alarm_);
  client_.fd.reset();
  server_.fd.reset();
  for (Stream& stream : streams_) {
    flow_.loop.disarm(stream);
    drop(stream);
  }
  ended_(*this);
}

void Connection::on_side(Side& side, std::uint32_t events) {
  if (state_ == State::kEnded) return;
  const bool dialling = &side == &server_ && state_ == State::kConnecting;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) side.readable = true;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) side.readable = side.hung_up = true;
  if (events & EPOLLOUT) side.writable = true;
  if (dialling) return on_connect_event(events);
  if (state_ == State::kGreeting) return read_greeting();
  if (events & EPOLLERR) fail(side);
  if (state_ == State::kOpen) return finish_wanted_ ? finish_all() : pump();
  if (state_ == State::kEnding) end_what_can();
}

bool Connection::is_foreign() {
  if (!flow_.upstream_account) return false;
  const TcpEnd server = peer_end(server_.fd.get());
  const auto user = user_of_server(server, own_end(server_.fd.get()));
  // Nobody here: on another machine, or gone.
  if (!user || *user == 0 || *user == ::geteuid() || *user == *flow_.upstream_account) return false;
  const MonoTime now = flow_.loop.now();
  if (now >= flow_.foreign_again) {
    flow_.foreign_again = now + kForeignToldEvery;
    log_error(cat("upstream ", upstream_, ": port ", server.port, " of ", server.address,
                  " is held by user ", *user, ", who is not the link's `account`: no connection ",
                  "is led there"));
  }
  return true;
}

void Connection::on_connect_event(std::uint32_t events) {
  // A socket before connect() says EPOLLHUP and EPOLLOUT once, without an error; so ask for it.
  if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) || !server_.fd) return;
  const int error = socket_error(server_.fd.get());
  // It was open, and is reset by now; EPIPE: behind an end in order. What it said can be read.
  const bool was_open = error == ECONNRESET || error == EPIPE;
  if (error != 0 && !was_open) return try_next_address();
  if (!was_open && !(events & EPOLLOUT)) return;
  if (is_foreign()) return try_next_address();
  state_ = State::kOpen;
  server_.writable = client_.writable = true;
  if (flow_.send_proxy != 0) {  // before a toxic may touch what the client says
    streams_[kUp].front = {.at = flow_.loop.now(), .bytes = proxy_header(flow_.send_proxy, origin)};
  }
  flow_.loop.disarm(alarm_);
  if (was_open) {
    server_.error_seen = error == ECONNRESET;
    fail(server_);
  }
  pump();
}

// It takes nothing any more: what was meant for it is lost, as on a direct connection. What it
// sent before is read to the end, which take_bytes() finds.
void Connection::fail(Side& side) {
  if (std::exchange(side.failed, true)) return;
  side.readable = side.hung_up = true;
  for (Stream& stream : streams_) {
    if (stream.to == &side) drop(stream);
    // It had ended its stream in order before: the other side learns by a piece behind that.
    if (stream.from == &side && stream.end_read && !over(stream)) {
      hold(stream, {.at = flow_.loop.now(), .bytes = {}, .kind = Piece::Kind::kReset});
    }
  }
}

void Connection::on_due() {
  if (state_ == State::kOpen) pump();
}

void Connection::on_alarm() {
  if (state_ == State::kConnecting && next_address_ < addresses_.size()) return try_next_address();
  if (state_ == State::kConnecting) return fail_connect();
  if (state_ == State::kGreeting) {
    ++flow_.bad_headers;
    return reset();
  }
  if (state_ == State::kEnding) return end_what_can();
  if (finishing_) reset();
}

template <class Act>
void Connection::each_way(const Toxic& toxic, Act act) {
  if (state_ >= State::kEnding || finishing_) return;
  for (Stream& stream : streams_) {
    if (touches(toxic, stream.way)) act(stream);
  }
  // In its turn: there may be thousands, and whoever changed the toxic waits for an answer.
  if (state_ == State::kOpen) flow_.loop.once_more(client_);
}

void Connection::add_toxic(const ToxicRow& row) {
  const MonoTime now = flow_.loop.now();
  each_way(row.toxic, [&](Stream& stream) {
    if (over(stream)) return;
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

void Connection::finish() {
  if (state_ >= State::kEnding || finishing_) return;
  if (state_ != State::kOpen) {
    server_.fd.reset();
    return begin_ending(false);
  }
  finish_wanted_ = true;
  flow_.loop.once_more(client_);
}

void Connection::finish_all() {
  const MonoTime now = flow_.loop.now();
  finish_wanted_ = false;
  if (!std::exchange(finishing_, true)) {
    until_ = now + kFinishMax;
    flow_.loop.arm(alarm_, until_);
  }
  for (Stream& stream : streams_) {
    if (over(stream)) continue;
    for (int reads = 0; reads < kReadsPerRound && take(stream) == Step::kGoOn; ++reads) {
    }
    if (stream.chain) stream.chain->flush(now);
    if (!over(stream) && !stream.end_read) take_end(stream, Piece::Kind::kEnd);
  }
  pump();
}

// REQUIRES: what is to be delivered was sent.
void Connection::begin_ending(bool with_reset) {
  state_ = State::kEnding;
  ends_with_reset_ = with_reset;
  until_ = flow_.loop.now() + kFinishMax;
  for (Stream& stream : streams_) {
    flow_.loop.disarm(stream);
    drop(stream);
    const bool can_send = stream.to->fd && !stream.to->failed && !stream.end_sent;
    // Fails only when the peer is gone, which the next look finds.
    if (can_send && !with_reset) (void)::shutdown(stream.to->fd.get(), SHUT_WR);
  }
  end_what_can();
}

void Connection::end_what_can() {
  const MonoTime now = flow_.loop.now();
  for (Side* side : {&client_, &server_}) {
    if (!side->fd) continue;
    const bool taken = side->failed || unacknowledged(side->fd.get()) == 0;
    side->taken_since = taken ? std::min(side->taken_since, now) : MonoTime::max();
    if (now >= until_ || (taken && ends_with_reset_)) {
      close_with_reset(side->fd);
    } else if (taken && (can_end(*side) || now - side->taken_since >= kLingerMax)) {
      side->fd.reset();
    }
  }
  if (!client_.fd && !server_.fd) return end();
  flow_.loop.arm(alarm_, std::min(now + look_again_, until_));
  look_again_ = std::min(2 * look_again_, kLookAgainMax);
}

// Closing with bytes unread would be a reset, which may overtake what the peer has not read yet.
bool Connection::can_end(Side& side) {
  for (int i = 0; i < kDiscardsPerRound && !side.failed; ++i) {
    const ssize_t got = ::recv(side.fd.get(), flow_.scratch.data(), flow_.scratch.size(), 0);
    if (got == 0) return true;
    if (got < 0) return errno != EAGAIN && errno != EINTR;
  }
  return side.failed;
}

}  // namespace panshi::agent
