// SPDX-License-Identifier: Apache-2.0
// ToxicChain: the toxics of one direction of one connection, in the order they were added.
//
// What a removed toxic held goes on to the next one at once, in order. Which connections a toxic
// touches is drawn when it is added or changed. Pure: `now` is told. Thread `links` only.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/links/stage.h"
#include "agents/links/toxic.h"
#include "core/base/random.h"

namespace panshi::agent {

// A toxic of a link and its account, which all connections share.
struct ToxicRow {
  std::string id;
  Toxic toxic;
  std::shared_ptr<ToxicAccount> account = std::make_shared<ToxicAccount>();
};

bool drawn(Random& random, double share);  // true with the chance `share`, from 0 to 1

class ToxicChain {
 public:
  explicit ToxicChain(Random random) : random_(random) {}

  void add(std::unique_ptr<Stage> stage) { links_.push_back({"", std::move(stage)}); }  // for good
  void add(const ToxicRow& row, MonoTime now);     // REQUIRES: row.toxic.on_stream()
  void change(const ToxicRow& row, MonoTime now);  // nothing when it is not there
  void remove(const std::string& id, MonoTime now);
  bool empty() const { return links_.empty() && out_.empty(); }

  void take(Piece piece, MonoTime now) { feed(0, std::move(piece), now); }
  std::optional<Piece> give(MonoTime now);  // the next one that is due at the end of the chain
  MonoTime next_deadline() const;           // MonoTime::max(): none
  std::size_t weight() const;               // of everything held
  // How much more it should be given now: `waiting_max`, of which what waits for a toxic or for the
  // receiver is taken off, but without a bound while a delay has it all under way.
  std::size_t room(MonoTime now, std::size_t waiting_max) const;
  bool swallows() const;     // nothing comes out of it but an end
  void flush(MonoTime now);  // every toxic is gone, and everything held is due

 private:
  // Pieces in one stage: a slicer makes many of one.
  static constexpr std::size_t kRoom = 256;
  static constexpr std::size_t kDistanceRoom = 8192;  // under way in a delay, unless they are tiny
  struct Link {
    std::string id;
    std::unique_ptr<Stage> stage;  // null: it does not touch this connection
  };
  void feed(std::size_t from, Piece piece, MonoTime now);
  void flow(MonoTime now);
  bool has_room(std::size_t from) const;
  std::unique_ptr<Stage> draw(const ToxicRow& row, MonoTime now);
  std::vector<Link>::iterator find(const std::string& id);

  Random random_;
  std::vector<Link> links_;
  std::deque<Piece> out_;
  std::size_t out_weight_ = 0;
};

}  // namespace panshi::agent
