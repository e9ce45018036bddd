// SPDX-License-Identifier: Apache-2.0
#include "agents/links/connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

namespace panshi::agent {
namespace {

constexpr std::size_t kChunkMax = 256 * 1024;  // one read; docs/decisions/0004 has the figures
constexpr std::size_t kChunkOverhead = 64;     // so that many tiny chunks are bounded too
constexpr int kReadsPerRound = 8;              // of one stream, before others have their turn
constexpr std::uint32_t kEdges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

bool touches(const Toxic& toxic, Connection::Way way) {
  return toxic.direction == Toxic::Direction::kBoth ||
         (toxic.direction == Toxic::Direction::kUpstream) == (way == Connection::kUp);
}

}  // namespace

void DelayRow::add(Duration took, Duration late) {
  const auto slot = static_cast<std::size_t>(chunks) % kRecentMax;
  if (slot < recent_late.size()) {
    recent_late[slot] = late;
  } else {
    recent_late.push_back(late);
  }
  ++chunks;
  sum += took;
  max = std::max(max, took);
}

DelayAccount DelayRow::account() const {
  DelayAccount account{.chunks = chunks, .max = max};
  if (chunks == 0) return account;
  account.mean = sum / chunks;
  auto sorted = recent_late;
  std::sort(sorted.begin(), sorted.end());
  account.late_p99 = sorted[(sorted.size() * 99 + 99) / 100 - 1];
  return account;
}

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
    stream.random = random.fork();
  }
  prepare_stream(client_.fd.get());
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

void Connection::delays_changed() {
  if (state_ != State::kOpen) return;
  const MonoTime now = flow_.loop.now();
  for (Stream& stream : streams_) {
    if (delayed(stream)) continue;
    for (Chunk& chunk : stream.held) chunk.drawn = std::min(chunk.drawn, now);
    stream.last_drawn = std::min(stream.last_drawn, now);
  }
  pump();
}

void Connection::pump() {
  for (Stream& stream : streams_) {
    if (pump(stream) == Step::kBroken) return reset();
  }
  if (streams_[kUp].end_sent && streams_[kDown].end_sent) close();
}

Connection::Step Connection::pump(Stream& stream) {
  for (int reads = 0; reads < kReadsPerRound; ++reads) {
    if (const Step step = deliver(stream, flow_.loop.now()); step != Step::kGoOn) return step;
    if (const Step step = take(stream); step != Step::kGoOn) {
      // A chunk that was read just now may be due at once (a delay with a jitter as large).
      return step == Step::kBroken ? step : deliver(stream, flow_.loop.now());
    }
  }
  flow_.loop.once_more(client_);
  return Step::kWait;
}

// Sends what is held and due. Always says kGoOn unless broken: reading has bounds of its own.
Connection::Step Connection::deliver(Stream& stream, MonoTime now) {
  while (!stream.held.empty()) {
    Chunk& chunk = stream.held.front();
    if (chunk.drawn > now) {
      flow_.loop.arm(stream, chunk.drawn);
      return Step::kGoOn;
    }
    if (chunk.bytes.empty()) return deliver_end(stream);
    if (!stream.to->writable) return Step::kGoOn;
    const ssize_t sent = send(stream, chunk.bytes.data() + stream.sent_of_first,
                              chunk.bytes.size() - stream.sent_of_first);
    if (sent < 0) return Step::kBroken;
    stream.sent_of_first += static_cast<std::size_t>(sent);
    if (stream.sent_of_first < chunk.bytes.size()) continue;
    if (chunk.delayed) account(stream, chunk, flow_.loop.now());
    stream.held_bytes -= chunk.bytes.size() + kChunkOverhead;
    stream.sent_of_first = 0;
    stream.held.pop_front();
  }
  return Step::kGoOn;
}

Connection::Step Connection::deliver_end(Stream& stream) {
  if (stream.end_sent) return Step::kGoOn;
  stream.end_sent = true;
  stream.held.clear();
  stream.held_bytes = 0;
  // Fails only when the peer is gone for good, which ends the connection as well.
  return ::shutdown(stream.to->fd.get(), SHUT_WR) == 0 ? Step::kGoOn : Step::kBroken;
}

// Reads one chunk if there is one and room for it.
Connection::Step Connection::take(Stream& stream) {
  if (stream.end_read || !stream.from->readable) return Step::kWait;
  const bool slowed = delayed(stream);
  if (!slowed && !stream.held.empty()) return Step::kWait;  // what is held must go first
  const std::size_t limit = slowed ? LinkTable::kHeldDelayedMax : LinkTable::kHeldMax;
  if (stream.held_bytes + 2 * kChunkOverhead >= limit) return Step::kWait;
  return take_bytes(stream, std::min(kChunkMax, limit - stream.held_bytes - kChunkOverhead));
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
    hold(stream, {});
    return Step::kWait;
  }
  const auto count = static_cast<std::size_t>(got);
  const bool emptied = count < size && !from.hung_up;  // the next byte makes a new edge
  if (emptied) from.readable = false;
  std::size_t sent = 0;
  const bool straight = !delayed(stream) && stream.to->writable;  // so nothing is held
  if (straight) {
    const ssize_t taken = send(stream, flow_.scratch.data(), count);
    if (taken < 0) return Step::kBroken;
    sent = static_cast<std::size_t>(taken);
  }
  if (sent < count) hold(stream, std::string(flow_.scratch.data() + sent, count - sent));
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

void Connection::hold(Stream& stream, std::string bytes) {
  const MonoTime now = flow_.loop.now();
  const auto due = draw_due(stream, now);
  stream.last_drawn = std::max(stream.last_drawn, due.value_or(now));
  stream.held_bytes += bytes.size() + kChunkOverhead;
  stream.held.push_back({now, stream.last_drawn, std::move(bytes), due.has_value()});
}

bool Connection::delayed(const Stream& stream) const {
  return std::any_of(flow_.delays.begin(), flow_.delays.end(),
                     [&](const auto& row) { return touches(row.second.toxic, stream.way); });
}

// Nothing when no delay touches this way. Several delays add up; each draws its own jitter.
std::optional<MonoTime> Connection::draw_due(Stream& stream, MonoTime now) {
  std::optional<MonoTime> due;
  for (const auto& [id, row] : flow_.delays) {
    if (!touches(row.toxic, stream.way)) continue;
    const std::int64_t jitter = row.toxic.jitter.count();
    const auto width = static_cast<std::uint64_t>(2 * jitter + 1);
    const auto drawn = static_cast<std::int64_t>(stream.random.below(width)) - jitter;
    due = due.value_or(now) + std::max(Duration(0), row.toxic.delay + Duration(drawn));
  }
  return due;
}

void Connection::account(const Stream& stream, const Chunk& chunk, MonoTime now) {
  for (auto& [id, row] : flow_.delays) {
    if (touches(row.toxic, stream.way)) row.add(now - chunk.read, now - chunk.drawn);
  }
}

}  // namespace panshi::agent
