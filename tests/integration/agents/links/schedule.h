// SPDX-License-Identifier: Apache-2.0
// A seeded schedule of what two peers do on one connection, and what each of them got.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "tests/integration/agents/links/sockets.h"

namespace panshi::test {

struct PeerScript {
  struct Act {
    enum class Kind { kSend, kAwait, kFinish, kClose, kReset };
    Kind kind;
    std::size_t bytes = 0;  // to send; of the other peer's in all, to wait for
  };
  std::vector<Act> acts;  // the last one ends it
  bool abrupt() const {
    return acts.back().kind == Act::Kind::kReset || acts.back().kind == Act::Kind::kClose;
  }
  std::size_t sends() const {
    std::size_t sum = 0;
    for (const Act& act : acts) sum += act.kind == Act::Kind::kSend ? act.bytes : 0;
    return sum;
  }
};

struct Schedule {
  PeerScript client;
  PeerScript server;
};

// What a peer that resets has sent must fit into the other's receive window, or it depends on the
// moment how much of it is read, on a direct connection too.
inline Schedule draw_schedule(Random& random) {
  using Act = PeerScript::Act;
  const bool abrupt[] = {random.below(2) == 0, random.below(2) == 0};
  const bool small = abrupt[0] || abrupt[1];
  const bool client_waits = random.below(2) == 0;
  Schedule schedule;
  for (int i = 0; i < 2; ++i) {
    auto& acts = (i == 0 ? schedule.client : schedule.server).acts;
    const auto sends = random.below(4);
    for (std::uint64_t n = 0; n < sends; ++n) {
      const std::uint64_t most = small ? 12'000 : random.below(2) == 0 ? 1'000'000 : 3'000;
      acts.push_back({Act::Kind::kSend, 1 + static_cast<std::size_t>(random.below(most))});
    }
  }
  PeerScript& waiting = client_waits ? schedule.client : schedule.server;
  const PeerScript& other = client_waits ? schedule.server : schedule.client;
  if (random.below(3) != 0 && other.sends() > 0) {
    const auto at = static_cast<std::ptrdiff_t>(random.below(waiting.acts.size() + 1));
    const std::size_t bytes = 1 + static_cast<std::size_t>(random.below(other.sends()));
    waiting.acts.insert(waiting.acts.begin() + at, {Act::Kind::kAwait, bytes});
  }
  for (int i = 0; i < 2; ++i) {
    auto& acts = (i == 0 ? schedule.client : schedule.server).acts;
    if (!abrupt[i]) acts.push_back({Act::Kind::kFinish});
    if (abrupt[i]) {
      acts.push_back({random.below(2) == 0 ? Act::Kind::kClose : Act::Kind::kReset});
    }
  }
  return schedule;
}

// Follows its script, reading whenever there is something to read.
class Peer {
 public:
  static constexpr int kPatienceMs = 20'000;

  // What it got until it ended its side, or saw the end of the other.
  static std::string follow(const PeerScript& script, Socket socket, char letter) {
    Peer peer(std::move(socket));
    for (const PeerScript::Act& act : script.acts) peer.act(act, letter);
    return std::move(peer.got_);
  }

 private:
  using Kind = PeerScript::Act::Kind;
  explicit Peer(Socket socket) : socket_(std::move(socket)) {}

  void act(const PeerScript::Act& act, char letter) {
    switch (act.kind) {
      case Kind::kSend:
        return send(act.bytes, letter);
      case Kind::kAwait:
        while (!ended_ && got_.size() < act.bytes) wait(POLLIN);
        return;
      case Kind::kFinish:
        socket_.finish_sending();
        while (!ended_) wait(POLLIN);
        return;
      case Kind::kClose:
        socket_ = Socket();
        return;
      case Kind::kReset: {
        const linger now{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(socket_.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        socket_ = Socket();
        return;
      }
    }
  }

  // The bytes tell their place, so that a hole, a double or a wrong order is seen.
  void send(std::size_t bytes, char letter) {
    std::string text(bytes, letter);
    for (std::size_t i = 0; i < bytes; ++i) {
      const std::size_t at = sent_ + i;
      text[i] = static_cast<char>(letter + static_cast<char>((at ^ (at >> 8) ^ (at >> 16)) % 64));
    }
    std::string_view left = text;
    while (!left.empty()) {
      const ssize_t sent =
          ::send(socket_.fd(), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN) return;  // the other one is gone
      if (sent > 0) left.remove_prefix(static_cast<std::size_t>(sent));
      if (sent > 0) sent_ += static_cast<std::size_t>(sent);
      if (sent < 0) wait(ended_ ? POLLOUT : POLLIN | POLLOUT);
    }
  }

  void wait(int events) {
    pollfd poll{.fd = socket_.fd(), .events = static_cast<short>(events), .revents = 0};
    if (::poll(&poll, 1, kPatienceMs) <= 0) {
      got_ += "(timed out)";
      ended_ = true;
    }
    if (ended_ || !(poll.revents & (POLLIN | POLLHUP | POLLERR))) return;
    char buffer[65536];
    const ssize_t got = ::recv(socket_.fd(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0) got_.append(buffer, static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EAGAIN)) ended_ = true;
  }

  Socket socket_;
  std::string got_;
  std::size_t sent_ = 0;
  bool ended_ = false;
};

}  // namespace panshi::test
