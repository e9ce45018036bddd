// SPDX-License-Identifier: Apache-2.0
// Link: one listening address, its upstreams, its toxics and its connections.
//
// While down, the socket stays bound but does not listen: clients get "connection refused" from
// the kernel, as from a service that is not there, and nobody can take the port meanwhile. While
// suspended it has no socket; its toxics stay and are there when it is resumed.
// Thread `links` only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agents/links/connection.h"
#include "agents/links/upstreams.h"

namespace panshi::agent {

class Link final : public Watcher, private Timer {
 public:
  struct Parts {
    EventLoop& loop;
    std::span<char> scratch;
    DataPath& all;
    const LinkTable::Options& told;
  };
  static Result<std::unique_ptr<Link>> open(const LinkSpec& spec, const Parts& parts);
  ~Link() override;
  // Its connections end in order, and the port is given back.
  void suspend();
  Status resume(BoundPort& port);
  // The same for good; `idle` is called when the last connection has ended, perhaps at once.
  void retire(std::function<void()> idle);

  Status lead_to(const LinkSpec& spec);  // other upstreams; established connections end in order
  Result<LinkTable::Rerouted> reroute(const std::string& upstream, LinkTable::Established how);
  Status drain(const std::string& upstream, Duration within);
  Status undrain(const std::string& upstream);
  Status set_weights(const std::map<std::string, int>& weights);
  Status set_health(const std::string& upstream, bool up, LinkTable::Established how);
  Status add_toxic(const std::string& id, const Toxic& toxic);
  Status remove_toxic(const std::string& id);
  Status change_toxic(const std::string& id, const Toxic& toxic);
  Result<ToxicReport> toxic_report(const std::string& id) const;
  // A toxic whose id does not begin with `owner`; none: "".
  std::string toxic_of_others(const std::string& owner) const;
  const std::string& name() const { return name_; }
  LinkState state() const;
  std::uint16_t port() const;

  void on_events(std::uint32_t events) override;  // of the listening socket

 private:
  struct LateLookup final : Timer {
    Link* owner = nullptr;
    void on_timer() override { owner->lookups_are_late(); }
  };
  Link(const LinkSpec& spec, Upstreams upstreams, const Parts& parts);
  void on_timer() override;  // a drain or a failback is due
  template <class Act>
  Status change_upstream(const std::string& upstream, const char* why, Act act);
  void settle();
  void follow(const std::string& from, const char* why);
  Status start_listening();
  void admit(Fd client, const Address& from);
  void greeted(Connection& connection);
  bool is_proxy(const Address& from) const;
  // Which limit a connection from there would be beyond: link, node or source; null: none.
  const char* limit_reached(const Source& source) const;
  void count_refused(const char* limit_of);
  bool source_is_full(const Source& source) const;
  void count_source(Connection& connection, const Source& source);
  void forget_source(Sources::value_type* source);
  void shed_one();  // out of descriptors: accept and close one, lest the backlog stays readable
  void lead(Connection& connection, std::size_t upstream);
  void look_up(std::size_t upstream);
  void looked_up(int generation, std::size_t upstream, const Result<Names::Addresses>& found);
  void lookups_are_late();
  void dial_waiting(std::size_t upstream);
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
  std::string listen_;  // as given, until it listens
  Fd listener_;
  std::size_t connections_max_;
  std::size_t per_source_max_;
  std::vector<std::string> proxies_;  // addresses
  Upstreams upstreams_;
  const LinkTable::Options& told_;
  std::function<void()> idle_;  // it is retired
  LateLookup late_lookup_;
  int generation_ = 0;                                           // of its upstreams
  std::shared_ptr<Link*> self_ = std::make_shared<Link*>(this);  // for lookups that end later
  std::vector<std::unique_ptr<Connection>> connections_;         // each knows its slot
  std::vector<Connection*> ended_;
  int accepts_ = 1;  // at the next event; many at once only while many come
  std::int64_t accepted_ = 0;
  std::int64_t refused_full_ = 0;
  MonoTime full_told_ = MonoTime::min();
};

}  // namespace panshi::agent
