// SPDX-License-Identifier: Apache-2.0
// Toxics that change when and in what portions bytes pass, never which.
#include <algorithm>
#include <cmath>

#include "agents/links/stage.h"

namespace panshi::agent {
namespace {

class DelayStage final : public Stage {
 public:
  DelayStage(const Toxic& toxic, std::shared_ptr<ToxicAccount> account, Random random)
      : Stage(toxic, std::move(account)), random_(random) {}

  void take(Piece piece, MonoTime) override {
    last_due_ = std::max(last_due_, piece.at + draw());
    push(std::move(piece), last_due_);
  }
  std::optional<Piece> give(MonoTime now) override {
    if (next_deadline() > now) return std::nullopt;
    const MonoTime due = queue().front().due;
    Piece piece = pop();
    if (piece.kind == Piece::Kind::kData) {
      account().passed(piece.bytes.size(), now - piece.at, now - due);
    }
    piece.at = due;
    return piece;
  }
  MonoTime next_deadline() const override {
    return queue().empty() ? MonoTime::max() : queue().front().due;
  }
  bool is_distance() const override { return true; }
  void change(const Toxic& toxic) override {
    Stage::change(toxic);
    last_due_ = {};
    for (Held& held : queue()) {
      last_due_ = held.due = std::max(last_due_, held.piece.at + draw());
    }
  }

 private:
  Duration draw() {
    const std::int64_t jitter = toxic().jitter.count();
    const auto drawn = random_.below(static_cast<std::uint64_t>(2 * jitter + 1));
    return std::max(Duration(0),
                    toxic().delay + Duration(static_cast<std::int64_t>(drawn) - jitter));
  }

  Random random_;
  MonoTime last_due_{};
};

class BandwidthStage final : public Stage {
 public:
  using Stage::Stage;

  void take(Piece piece, MonoTime) override {
    // Where nothing passes, the reset of who is gone does not wait for ever either.
    if (toxic().rate == 0 && piece.kind == Piece::Kind::kReset) lose();
    push(std::move(piece));
  }
  std::optional<Piece> give(MonoTime now) override {
    const MonoTime due = next_deadline();
    if (due > now) return std::nullopt;
    const Piece& first = queue().front().piece;
    const std::size_t size = slice();
    const MonoTime busy_since = std::max(last_given_, first.at);
    Piece piece = size < first.bytes.size() ? cut(size) : pop();
    if (size > 0) {
      account().busy += now - busy_since;
      account().passed(size, now - piece.at, now - due);
    }
    last_given_ = now;
    free_at_ = piece.at = due;
    return piece;
  }
  MonoTime next_deadline() const override {
    if (queue().empty()) return MonoTime::max();
    const MonoTime start = std::max(free_at_, queue().front().piece.at);
    const std::size_t size = slice();
    if (size == 0) return start;
    if (toxic().rate == 0) return MonoTime::max();
    // Rounded up, so that never more than the rate passes.
    return start + Duration((static_cast<std::int64_t>(size) * 1'000'000 + toxic().rate - 1) /
                            toxic().rate);
  }

 private:
  static constexpr std::int64_t kSlicesPerSecond = 100;  // smooth, and few enough to cost little

  void lose() {
    for (const Held& held : queue()) {
      account().dropped += static_cast<std::int64_t>(held.piece.bytes.size());
    }
    clear();
  }
  std::size_t slice() const {
    const auto most =
        static_cast<std::size_t>(std::max<std::int64_t>(1, toxic().rate / kSlicesPerSecond));
    return std::min(queue().front().piece.bytes.size(), most);
  }

  MonoTime free_at_{};  // what passed before is through
  MonoTime last_given_{};
};

class SlicerStage final : public Stage {
 public:
  SlicerStage(const Toxic& toxic, std::shared_ptr<ToxicAccount> account, Random random)
      : Stage(toxic, std::move(account)), random_(random) {}

  void take(Piece piece, MonoTime) override { push(std::move(piece)); }
  std::optional<Piece> give(MonoTime now) override {
    const MonoTime due = next_deadline();
    if (due > now) return std::nullopt;
    const Piece& first = queue().front().piece;
    const std::size_t whole = first.bytes.size();
    const std::size_t size = std::min(whole, draw());
    Piece piece = size < whole ? cut(size) : pop();
    if (size > 0) account().passed(size, now - piece.at, now - due);
    free_at_ = due + (whole == 0 ? Duration(0) : toxic().delay);
    piece.at = due;
    return piece;
  }
  MonoTime next_deadline() const override {
    return queue().empty() ? MonoTime::max() : std::max(free_at_, queue().front().piece.at);
  }

 private:
  std::size_t draw() {  // no size asked for: chunks stay whole
    if (toxic().bytes == 0 && toxic().variation == 0) return std::string::npos;
    const auto width = static_cast<std::uint64_t>(2 * toxic().variation + 1);
    const auto drawn = static_cast<std::int64_t>(random_.below(width));
    return static_cast<std::size_t>(
        std::max<std::int64_t>(1, toxic().bytes + drawn - toxic().variation));
  }

  Random random_;
  MonoTime free_at_{};
};

class SlowCloseStage final : public Stage {
 public:
  using Stage::Stage;

  void take(Piece piece, MonoTime) override { push(std::move(piece)); }
  std::optional<Piece> give(MonoTime now) override {
    const MonoTime due = next_deadline();
    if (due > now) return std::nullopt;
    Piece piece = pop();
    if (piece.kind == Piece::Kind::kEnd) {
      account().passed(0, now - piece.at, now - due);
      ++account().ended;
    }
    piece.at = due;
    return piece;
  }
  MonoTime next_deadline() const override {
    if (queue().empty()) return MonoTime::max();
    const Piece& first = queue().front().piece;
    return first.at + (first.kind == Piece::Kind::kEnd ? toxic().delay : Duration(0));
  }
};

class NothingStage final : public Stage {
 public:
  using Stage::Stage;
  void take(Piece piece, MonoTime) override { push(std::move(piece)); }
  std::optional<Piece> give(MonoTime) override {
    if (queue().empty()) return std::nullopt;
    return pop();
  }
  MonoTime next_deadline() const override {
    return queue().empty() ? MonoTime::max() : MonoTime::min();
  }
};

}  // namespace

std::unique_ptr<Stage> make_shaping_stage(const Toxic& toxic,
                                          const std::shared_ptr<ToxicAccount>& account,
                                          Random random) {
  switch (toxic.kind) {
    case Toxic::Kind::kDelay:
      return std::make_unique<DelayStage>(toxic, account, random);
    case Toxic::Kind::kBandwidth:
      return std::make_unique<BandwidthStage>(toxic, account);
    case Toxic::Kind::kSlicer:
      return std::make_unique<SlicerStage>(toxic, account, random);
    case Toxic::Kind::kSlowClose:
      return std::make_unique<SlowCloseStage>(toxic, account);
    case Toxic::Kind::kNothing:
      return std::make_unique<NothingStage>(toxic, account);
    default:
      return nullptr;
  }
}

}  // namespace panshi::agent
