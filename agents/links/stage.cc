// SPDX-License-Identifier: Apache-2.0
#include "agents/links/stage.h"

#include "core/base/check.h"

namespace panshi::agent {

void Stage::push(Piece piece, MonoTime due) {
  weight_ += piece.weight();
  queue_.push_back({std::move(piece), due});
}

Piece Stage::pop() {
  Piece piece = std::move(queue_.front().piece);
  queue_.pop_front();
  weight_ -= piece.weight();
  return piece;
}

Piece Stage::cut(std::size_t size) {
  Piece& first = queue_.front().piece;
  Piece part{.at = first.at, .bytes = first.bytes.substr(0, size)};
  first.bytes.erase(0, size);
  weight_ -= size;
  return part;
}

void Stage::clear() {
  queue_.clear();
  weight_ = 0;
}

std::vector<Piece> Stage::drain(MonoTime) {
  std::vector<Piece> all;
  while (!queue_.empty()) all.push_back(pop());
  return all;
}

std::unique_ptr<Stage> make_stage(const Toxic& toxic, std::shared_ptr<ToxicAccount> account,
                                  Random random, MonoTime now) {
  auto stage = make_shaping_stage(toxic, account, random);
  if (!stage) stage = make_ending_stage(toxic, account, now);
  CHECK_BUG(stage != nullptr);
  return stage;
}

}  // namespace panshi::agent
