// SPDX-License-Identifier: Apache-2.0
#include "agents/links/toxic_chain.h"

#include <algorithm>

namespace panshi::agent {
// Of 2^53 steps, as many as a double tells apart.
bool drawn(Random& random, double share) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53 < share;
}

std::vector<ToxicChain::Link>::iterator ToxicChain::find(const std::string& id) {
  return std::find_if(links_.begin(), links_.end(),
                      [&](const Link& link) { return link.id == id; });
}

std::unique_ptr<Stage> ToxicChain::draw(const ToxicRow& row, MonoTime now) {
  ++row.account->connections;
  Random random = random_.fork();
  if (!drawn(random_, row.toxic.toxicity)) return nullptr;
  ++row.account->touched;
  return make_stage(row.toxic, row.account, random, now);
}

void ToxicChain::add(const ToxicRow& row, MonoTime now) {
  links_.push_back({row.id, draw(row, now)});
}

void ToxicChain::change(const ToxicRow& row, MonoTime now) {
  const auto link = find(row.id);
  if (link == links_.end()) return;
  if (link->stage && row.toxic.toxicity >= 1) return link->stage->change(row.toxic);
  std::unique_ptr<Stage> stage = draw(row, now);
  if (stage && link->stage) return link->stage->change(row.toxic);
  const auto held = link->stage ? link->stage->drain(now) : std::vector<Piece>();
  link->stage = std::move(stage);
  const auto next = static_cast<std::size_t>(link - links_.begin()) + 1;
  for (const Piece& piece : held) feed(next, piece, now);
}

void ToxicChain::remove(const std::string& id, MonoTime now) {
  const auto link = find(id);
  if (link == links_.end()) return;
  auto held = link->stage ? link->stage->drain(now) : std::vector<Piece>();
  const auto next = static_cast<std::size_t>(link - links_.begin());
  links_.erase(link);
  for (Piece& piece : held) {
    piece.at = std::min(piece.at, now);
    feed(next, std::move(piece), now);
  }
}

void ToxicChain::feed(std::size_t from, Piece piece, MonoTime now) {
  for (std::size_t i = from; i < links_.size(); ++i) {
    if (links_[i].stage) return links_[i].stage->take(std::move(piece), now);
  }
  out_weight_ += piece.weight();
  out_.push_back(std::move(piece));
}

bool ToxicChain::has_room(std::size_t from) const {
  for (std::size_t i = from; i < links_.size(); ++i) {
    if (!links_[i].stage) continue;
    const Stage& stage = *links_[i].stage;
    const std::size_t pieces = stage.pieces();
    if (pieces < kRoom) return true;
    const bool tiny = stage.weight() < 4 * Piece::kOverhead * pieces;
    return stage.is_distance() && !tiny && pieces < kDistanceRoom;
  }
  return out_.size() < kRoom;
}

void ToxicChain::flow(MonoTime now) {
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (!links_[i].stage) continue;
    while (has_room(i + 1)) {
      auto piece = links_[i].stage->give(now);
      if (!piece) break;
      feed(i + 1, std::move(*piece), now);
    }
  }
}

std::optional<Piece> ToxicChain::give(MonoTime now) {
  if (out_.empty()) flow(now);
  if (out_.empty()) return std::nullopt;
  Piece piece = std::move(out_.front());
  out_.pop_front();
  out_weight_ -= piece.weight();
  return piece;
}

MonoTime ToxicChain::next_deadline() const {
  if (!out_.empty()) return MonoTime::min();
  MonoTime next = MonoTime::max();
  for (std::size_t i = 0; i < links_.size(); ++i) {
    // One that cannot pass on waits for the next one's deadline.
    if (links_[i].stage && has_room(i + 1)) next = std::min(next, links_[i].stage->next_deadline());
  }
  return next;
}

std::size_t ToxicChain::weight() const {
  std::size_t sum = out_weight_;
  for (const Link& link : links_) sum += link.stage ? link.stage->weight() : 0;
  return sum;
}

std::size_t ToxicChain::room(MonoTime now, std::size_t waiting_max) const {
  std::size_t waiting = out_weight_;
  bool far = false;
  for (const Link& link : links_) {
    if (!link.stage) continue;
    const bool under_way = link.stage->is_distance() && link.stage->next_deadline() > now;
    if (!under_way) waiting += link.stage->weight();
    far = far || link.stage->is_distance();
  }
  if (waiting >= waiting_max) return 0;
  return far ? SIZE_MAX : waiting_max - waiting;
}

bool ToxicChain::swallows() const {
  return std::any_of(links_.begin(), links_.end(),
                     [](const Link& link) { return link.stage && link.stage->swallows(); });
}

void ToxicChain::flush(MonoTime now) {
  while (!links_.empty()) {
    std::vector<Piece> held;
    if (links_.front().stage) held = links_.front().stage->drain(now);
    links_.erase(links_.begin());
    for (Piece& piece : held) feed(0, std::move(piece), now);
  }
}

}  // namespace panshi::agent
