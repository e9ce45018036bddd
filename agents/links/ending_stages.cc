// SPDX-License-Identifier: Apache-2.0
// Toxics that lose bytes, and therefore end the connection.
#include <algorithm>

#include "agents/links/stage.h"

namespace panshi::agent {
namespace {

class BlackHoleStage final : public Stage {
 public:
  BlackHoleStage(const Toxic& toxic, std::shared_ptr<ToxicAccount> account, MonoTime now)
      : Stage(toxic, std::move(account)), quiet_since_(now) {}

  // Bytes vanish; the end of who sent them does not, lest the other side waits for nobody.
  void take(Piece piece, MonoTime now) override {
    account().dropped += static_cast<std::int64_t>(piece.bytes.size());
    quiet_since_ = now;
    if (piece.kind == Piece::Kind::kData || ended_) return;
    push(end(now, piece.kind == Piece::Kind::kReset ? Piece::Kind::kReset : Piece::Kind::kClose));
  }
  std::optional<Piece> give(MonoTime now) override {
    if (!queue().empty()) return pop();
    if (next_deadline() > now) return std::nullopt;
    return end(now, Piece::Kind::kClose);
  }
  MonoTime next_deadline() const override {
    if (!queue().empty()) return MonoTime::min();
    if (ended_ || toxic().delay == Duration(0)) return MonoTime::max();
    return quiet_since_ + toxic().delay;
  }
  bool swallows() const override { return true; }
  // The stream has a hole: nothing that comes later may be taken for what comes next.
  std::vector<Piece> drain(MonoTime now) override {
    if (!queue().empty()) return {pop()};
    if (ended_) return {};
    return {end(now, Piece::Kind::kClose)};
  }

 private:
  Piece end(MonoTime now, Piece::Kind kind) {
    ended_ = true;
    ++account().ended;
    return {.at = now, .bytes = {}, .kind = kind};
  }

  MonoTime quiet_since_;
  bool ended_ = false;
};

class ResetPeerStage final : public Stage {
 public:
  using Stage::Stage;

  void take(Piece piece, MonoTime) override {
    account().dropped += static_cast<std::int64_t>(piece.bytes.size());
    if (piece.kind == Piece::Kind::kReset) ended_ = true;  // before its time
    const bool untouched = !first_ && piece.kind != Piece::Kind::kData;
    if (ended_ || untouched) return push(std::move(piece));
    if (!first_) first_ = piece.at;
  }
  std::optional<Piece> give(MonoTime now) override {
    if (!queue().empty()) return pop();
    if (next_deadline() > now) return std::nullopt;
    return end(now);
  }
  MonoTime next_deadline() const override {
    if (!queue().empty()) return MonoTime::min();
    return ended_ || !first_ ? MonoTime::max() : *first_ + toxic().delay;
  }
  std::vector<Piece> drain(MonoTime now) override {  // with nothing lost, the connection lives on
    if (ended_ || !first_) return Stage::drain(now);
    return {end(now)};
  }

 private:
  Piece end(MonoTime now) {
    ended_ = true;
    ++account().ended;
    return {.at = now, .bytes = {}, .kind = Piece::Kind::kReset};
  }

  std::optional<MonoTime> first_;
  bool ended_ = false;
};

class LimitStage final : public Stage {
 public:
  using Stage::Stage;

  void take(Piece piece, MonoTime now) override {
    if (ended_) return drop(piece.bytes.size());
    if (piece.kind != Piece::Kind::kData) return push(std::move(piece));
    const std::int64_t left = std::max<std::int64_t>(0, toxic().bytes - passed_);
    const std::size_t size = std::min(piece.bytes.size(), static_cast<std::size_t>(left));
    drop(piece.bytes.size() - size);
    piece.bytes.resize(size);
    passed_ += static_cast<std::int64_t>(size);
    account().bytes += static_cast<std::int64_t>(size);
    const MonoTime at = piece.at;
    if (size > 0) push(std::move(piece));
    if (passed_ >= toxic().bytes) end(std::max(at, now));
  }
  std::optional<Piece> give(MonoTime) override {
    if (queue().empty()) return std::nullopt;
    return pop();
  }
  MonoTime next_deadline() const override {
    return queue().empty() ? MonoTime::max() : MonoTime::min();
  }

 private:
  void drop(std::size_t size) { account().dropped += static_cast<std::int64_t>(size); }
  void end(MonoTime at) {
    ended_ = true;
    ++account().ended;
    push({.at = at, .bytes = {}, .kind = Piece::Kind::kClose});
  }

  std::int64_t passed_ = 0;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Stage> make_ending_stage(const Toxic& toxic,
                                         const std::shared_ptr<ToxicAccount>& account,
                                         MonoTime now) {
  switch (toxic.kind) {
    case Toxic::Kind::kBlackHole:
      return std::make_unique<BlackHoleStage>(toxic, account, now);
    case Toxic::Kind::kResetPeer:
      return std::make_unique<ResetPeerStage>(toxic, account);
    case Toxic::Kind::kLimit:
      return std::make_unique<LimitStage>(toxic, account);
    default:
      return nullptr;
  }
}

}  // namespace panshi::agent
