// SPDX-License-Identifier: Apache-2.0
// Link: one listening address, its upstreams, its toxics and its connections.
//
// While down, the socket stays bound but does not listen: clients get "connection refused" from
// the kernel, as from a service that is not there, and nobody can take the port meanwhile.
// Thread `links` only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agents/links/connection.h"
#include "agents/links/upstreams.h"

namespace panshi::agent {

class Link final : public Watcher, private Timer {
 public:
  static constexpr std::size_t kConnectionsMax = 20'000;

  static Result<std::unique_ptr<Link>> open(const LinkSpec& spec, EventLoop& loop,
                                            std::vector<char>& scratch,
                                            const LinkTable::OnMoved& on_moved);
  ~Link() override;
  void close();  // resets its connections; destroy it at the end of the round

  Result<LinkTable::Rerouted> reroute(const std::string& upstream, LinkTable::Established how);
  Status drain(const std::string& upstream, Duration within);
  Status undrain(const std::string& upstream);
  Status set_weights(const std::map<std::string, int>& weights);
  Status set_health(const std::string& upstream, bool up);
  Status add_toxic(const std::string& id, const Toxic& toxic);
  Status remove_toxic(const std::string& id);
  Status change_toxic(const std::string& id, const Toxic& toxic);
  Result<ToxicReport> toxic_report(const std::string& id) const;
  const std::string& name() const { return name_; }
  LinkState state() const;
  std::uint16_t port() const;

  void on_events(std::uint32_t events) override;  // of the listening socket

 private:
  struct Parts {
    EventLoop& loop;
    std::vector<char>& scratch;
    const LinkTable::OnMoved& on_moved;
  };
  Link(const LinkSpec& spec, Upstreams upstreams, const Parts& parts);
  void on_timer() override;  // a drain or a failback is due
  template <class Act>
  Status change_upstream(const std::string& upstream, const char* why, Act act);
  void settle();
  void follow(const std::string& from, const char* why);
  Status start_listening();
  void admit(Fd client);
  void shed_one();  // out of descriptors: accept and close one, lest the backlog stays readable
  bool has(Toxic::Kind kind) const;
  bool refuses_one();
  std::vector<ToxicRow>::iterator find(const std::string& id);
  Status start_toxic(const ToxicRow& row);
  template <class Act>
  void each_connection(Act act) {
    // By index: acting may end connections, which stay in the list until the end of the round.
    for (std::size_t i = 0; i < connections_.size(); ++i) act(*connections_[i]);
  }
  void remove_ended();

  LinkFlow flow_;
  std::string name_;
  Random random_;
  Address address_;
  Fd listener_;
  Fd spare_;  // given up for a moment by shed_one()
  Upstreams upstreams_;
  const LinkTable::OnMoved& on_moved_;
  std::vector<std::unique_ptr<Connection>> connections_;  // each knows its slot
  std::vector<Connection*> ended_;
  int accepts_ = 1;  // at the next event; many at once only while many come
  std::int64_t accepted_ = 0;
};

}  // namespace panshi::agent
