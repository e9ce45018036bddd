// SPDX-License-Identifier: Apache-2.0
// Stage: one toxic at work on one direction of one connection.
//
// Pieces go in as they are read and come out when they are due, in order. Pure: `now` is told, and
// next_deadline() says when it wants to be asked again. Thread `links` only.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/links/toxic.h"
#include "agents/links/toxic_account.h"
#include "core/base/random.h"

namespace panshi::agent {

// What a stage hands on for the end of a connection counts as a piece like any other: it never
// overtakes the bytes before it.
struct Piece {
  enum class Kind : std::uint8_t {
    kData,
    kEnd,    // the sender's FIN
    kClose,  // FIN to both sides, once what came before is delivered
    kReset,  // RST to both sides, once what came before is delivered
  };
  static constexpr std::size_t kOverhead = 64;  // so that many tiny pieces are bounded too

  MonoTime at;  // when it was read, or was due to leave the stage before
  std::string bytes;
  Kind kind = Kind::kData;

  std::size_t weight() const { return bytes.size() + kOverhead; }
};

class Stage {
 public:
  Stage(const Toxic& toxic, std::shared_ptr<ToxicAccount> account)
      : toxic_(toxic), account_(std::move(account)) {}
  virtual ~Stage() = default;

  virtual void take(Piece piece, MonoTime now) = 0;
  virtual std::optional<Piece> give(MonoTime now) = 0;  // the next one that is due
  virtual MonoTime next_deadline() const = 0;           // MonoTime::max(): none
  // The same kind with other figures; counts for what is held, too.
  virtual void change(const Toxic& toxic) { toxic_ = toxic; }
  // It is removed: everything it holds, in order.
  virtual std::vector<Piece> drain(MonoTime now);

  std::size_t weight() const { return weight_; }  // of the pieces held
  std::size_t pieces() const { return queue_.size(); }
  // It is a long way: what it holds is under way, and more may be sent after it meanwhile.
  virtual bool is_distance() const { return false; }
  virtual bool swallows() const { return false; }  // nothing that it takes comes out

 protected:
  struct Held {
    Piece piece;
    MonoTime due{};  // where the stage draws it when it takes the piece
  };
  const Toxic& toxic() const { return toxic_; }
  ToxicAccount& account() { return *account_; }
  std::deque<Held>& queue() { return queue_; }
  const std::deque<Held>& queue() const { return queue_; }
  void push(Piece piece, MonoTime due = {});
  Piece pop();
  Piece cut(std::size_t size);  // the first bytes of the first piece; REQUIRES: fewer than it has
  void clear();

 private:
  Toxic toxic_;
  std::shared_ptr<ToxicAccount> account_;
  std::deque<Held> queue_;
  std::size_t weight_ = 0;
};

// REQUIRES: toxic.on_stream().
std::unique_ptr<Stage> make_stage(const Toxic& toxic, std::shared_ptr<ToxicAccount> account,
                                  Random random, MonoTime now);

// By file: shaping_stages.cc, ending_stages.cc. Null for a kind of the other file.
std::unique_ptr<Stage> make_shaping_stage(const Toxic& toxic,
                                          const std::shared_ptr<ToxicAccount>& account,
                                          Random random);
std::unique_ptr<Stage> make_ending_stage(const Toxic& toxic,
                                         const std::shared_ptr<ToxicAccount>& account,
                                         MonoTime now);

}  // namespace panshi::agent
