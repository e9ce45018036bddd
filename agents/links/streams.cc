// SPDX-License-Identifier: Apache-2.0
// The part of a connection that moves bytes.
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "agents/links/connection.h"

namespace panshi::agent {
namespace {

constexpr std::size_t kChunkMax = LinkTable::kHeldMax;  // docs/decisions/0004 has the figures

}  // namespace

void Connection::pump() {
  for (Stream& stream : streams_) {
    const Step step = pump(stream);
    if (state_ >= State::kEnding) return;
    if (step == Step::kBroken) return begin_ending(true);
    if (step == Step::kClose) return finish_all();
  }
  if (!over(streams_[kUp]) || !over(streams_[kDown])) return;
  if (client_.failed || server_.failed) return begin_ending(true);
  if (finishing_) return begin_ending(false);
  end();  // both ends were read and sent: what is under way is the kernel's
}

Connection::Step Connection::pump(Stream& stream) {
  for (int reads = 0; reads < kReadsPerRound; ++reads) {
    if (over(stream)) return Step::kWait;
    if (const Step step = deliver(stream); step != Step::kGoOn) return step;
    // A chunk that was read just now may be due at once (a delay with a jitter as large).
    if (take(stream) == Step::kWait) return over(stream) ? Step::kWait : deliver(stream);
  }
  flow_.loop.once_more(client_);
  return Step::kWait;
}

// Sends what is held and due. Says kGoOn unless the connection ends: reading has its own bounds.
Connection::Step Connection::deliver(Stream& stream) {
  Step step = Step::kGoOn;
  while (step == Step::kGoOn && (stream.front || next_front(stream))) {
    if (stream.front->kind == Piece::Kind::kData && !stream.to->writable) break;
    step = deliver_front(stream);
  }
  count(stream);
  return step;
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
  if (piece.kind == Piece::Kind::kReset) return Step::kBroken;
  if (piece.kind != Piece::Kind::kData) return deliver_end(stream);
  const std::size_t sent = send(stream, piece.bytes.data() + stream.sent_of_front,
                                piece.bytes.size() - stream.sent_of_front);
  if (!stream.front) return Step::kGoOn;  // the side failed, and all was dropped
  stream.sent_of_front += sent;
  if (stream.sent_of_front < piece.bytes.size()) return Step::kGoOn;
  stream.front.reset();
  stream.sent_of_front = 0;
  return Step::kGoOn;
}

Connection::Step Connection::deliver_end(Stream& stream) {
  const bool closes = stream.front->kind == Piece::Kind::kClose;
  stream.front.reset();
  if (closes) stream.end_read = true;
  if (!std::exchange(stream.end_sent, true)) {
    // Not where both are closed at once. Fails only when the peer is gone, of which an event tells.
    const bool both_close = other(stream).end_sent && !stream.from->failed && !finishing_;
    if (!both_close) (void)::shutdown(stream.to->fd.get(), SHUT_WR);
  }
  // Who ends its stream into a connection whose answers are swallowed gets nothing any more.
  const ToxicChain* answers = other(stream).chain.get();
  const bool closing = closes || (answers != nullptr && answers->swallows());
  return closing ? Step::kClose : Step::kGoOn;
}

// Reads one chunk if there is one and room for it.
Connection::Step Connection::take(Stream& stream) {
  if (stream.end_read || !stream.from->readable) return Step::kWait;
  const std::size_t size = room(stream);
  return size == 0 ? Step::kWait : take_bytes(stream, size);
}

std::size_t Connection::room(Stream& stream) {
  if (!stream.chain && stream.front) return 0;
  count(stream);
  const auto left = [](std::size_t held, std::size_t max) { return max - std::min(held, max); };
  std::size_t budget = std::min(left(flow_.held, LinkTable::kHeldLinkMax),
                                left(flow_.all.held, LinkTable::kHeldAllMax));
  if (source != nullptr) {
    const std::size_t share =
        share_of_source(LinkTable::kHeldLinkMax, flow_.held, flow_.sources.size());
    budget = std::min(budget, left(source->second.held, share));
  }
  // So that each goes on by itself, without being woken by those who hold the rest.
  const std::size_t own = left(stream.counted, LinkTable::kHeldAlways);
  const std::size_t most = std::min(kChunkMax, std::max(budget, own));
  if (!stream.chain) return most;
  const std::size_t in_front = stream.front ? stream.front->weight() : 0;
  const std::size_t waiting_max = left(in_front, LinkTable::kHeldToxicMax);
  const std::size_t room = std::min(most, stream.chain->room(flow_.loop.now(), waiting_max));
  return room > 2 * Piece::kOverhead ? room - Piece::kOverhead : 0;
}

Connection::Step Connection::take_bytes(Stream& stream, std::size_t size) {
  Side& from = *stream.from;
  const ssize_t got = ::recv(from.fd.get(), flow_.scratch.data(), size, 0);
  if (got < 0) {
    if (errno == EINTR) return Step::kGoOn;
    from.readable = false;
    if (errno == EAGAIN) return Step::kWait;
    take_end(stream, Piece::Kind::kReset);
    fail(from);
    return Step::kWait;
  }
  if (got == 0) {
    take_end(stream, from.error_seen ? Piece::Kind::kReset : Piece::Kind::kEnd);
    return Step::kWait;
  }
  const auto count = static_cast<std::size_t>(got);
  const bool emptied = count < size && !from.hung_up;  // the next byte makes a new edge
  if (emptied) from.readable = false;
  std::size_t sent = 0;
  const bool straight = !stream.chain && !stream.front && stream.to->writable;
  if (straight) sent = send(stream, flow_.scratch.data(), count);
  if (sent < count && !stream.to->failed) {
    hold(stream,
         {.at = flow_.loop.now(), .bytes = std::string(flow_.scratch.data() + sent, count - sent)});
  }
  return emptied || stream.to->failed ? Step::kWait : Step::kGoOn;
}

void Connection::take_end(Stream& stream, Piece::Kind kind) {
  stream.end_read = true;
  hold(stream, {.at = flow_.loop.now(), .bytes = {}, .kind = kind});
}

std::size_t Connection::send(Stream& stream, const char* data, std::size_t size) {
  for (;;) {
    const ssize_t sent = ::send(stream.to->fd.get(), data, size, MSG_NOSIGNAL);
    if (sent >= 0) {
      flow_.delivered[stream.way] += sent;
      if (static_cast<std::size_t>(sent) < size) stream.to->writable = false;
      return static_cast<std::size_t>(sent);
    }
    if (errno == EINTR) continue;
    stream.to->writable = false;
    if (errno == EAGAIN) return 0;
    // EPIPE: its end came before its reset, and is what reading finds. Else the error is told now
    // and never again.
    stream.to->error_seen = errno != EPIPE;
    fail(*stream.to);
    return 0;
  }
}

void Connection::hold(Stream& stream, Piece piece) {
  if (stream.chain) {
    stream.chain->take(std::move(piece), flow_.loop.now());
  } else if (!stream.front) {
    stream.front = std::move(piece);
  } else {  // an end behind bytes that the other side does not take yet
    stream.chain = std::make_unique<ToxicChain>(Random(stream.seed++));
    stream.chain->take(std::move(piece), flow_.loop.now());
  }
}

void Connection::count(Stream& stream) {
  std::size_t now = stream.front ? stream.front->weight() : 0;
  if (stream.chain) now += stream.chain->weight();
  if (now == stream.counted) return;
  flow_.held += now - stream.counted;  // unsigned: also down
  flow_.all.held += now - stream.counted;
  if (source != nullptr) source->second.held += now - stream.counted;
  stream.counted = now;
}

void Connection::drop(Stream& stream) {
  stream.chain.reset();
  stream.front.reset();
  stream.sent_of_front = 0;
  count(stream);
}

}  // namespace panshi::agent
