// SPDX-License-Identifier: Apache-2.0
// ProxyBook: the proxies and toxics that came by Toxiproxy's API. Each proxy is a link of the
// LinkTable; a disabled one is suspended, so it holds no port and keeps what faults put on it.
//
// A call that fails leaves what was. Faults under lease are not its own: it neither shows nor lifts
// them, and a proxy that carries one is not deleted. One call at a time holds a lock, never while a
// name is looked up. Any thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agents/config/proxy_permits.h"
#include "agents/toxiproxy/messages.h"
#include "agents/toxiproxy/resolve.h"

namespace panshi::agent::toxiproxy {

class ProxyBook {
 public:
  static constexpr std::size_t kToxicsMax = 1000;  // of one proxy
  static constexpr std::size_t kNameMax = 128;     // bytes

  // `links` must outlive it.
  explicit ProxyBook(LinkTable& links, ProxyPermits permits = {})
      : links_(links), permits_(std::move(permits)) {}
  const ProxyPermits& permits() const { return permits_; }

  nlohmann::json list() const;  // by name
  Answer<nlohmann::json> show(const std::string& proxy) const;
  Answer<nlohmann::json> create(const std::string& body);
  Answer<nlohmann::json> update(const std::string& proxy, const std::string& body);
  Done remove(const std::string& proxy);
  Done reset();  // every proxy enabled, without toxics
  // What was made or was there already, in the order given; all of it, or nothing is changed.
  Answer<std::vector<nlohmann::json>> populate(const std::string& body);

  Answer<nlohmann::json> toxics(const std::string& proxy) const;
  Answer<nlohmann::json> toxic(const std::string& proxy, const std::string& toxic) const;
  Answer<nlohmann::json> add_toxic(const std::string& proxy, const std::string& body);
  Answer<nlohmann::json> update_toxic(const std::string& proxy, const std::string& toxic,
                                      const std::string& body);
  Done remove_toxic(const std::string& proxy, const std::string& toxic);

 private:
  struct Proxy {
    std::string listen;    // as given; resolved once it was started
    std::string upstream;  // as given
    bool enabled = false;
    std::vector<NamedToxic> toxics = {};  // in the order they were added
    std::string given = {};  // where the kernel's choice of a port had it listen; it may again
  };
  using Entry = std::pair<const std::string, Proxy>;
  using Port = std::shared_ptr<BoundPort>;
  // What a proxy is to become: everything that can fail is looked at before anything changes.
  struct Plan {
    ProxyInput input;
    ListenPlace place = {};
    Port port = {};  // null: it needs none, or keeps the one it has
  };

  Answer<Entry*> find(const std::string& proxy);
  Answer<const Entry*> find(const std::string& proxy) const;
  Answer<Plan> plan(ProxyInput input) const;  // without the lock: may look up a name
  Done check_new(const std::string& name) const;
  Done check_listen(const ProxyInput& input, const ListenPlace& place) const;
  static void note_listen(Proxy& proxy, const Plan& plan);
  Done check_upstream(const std::string& upstream) const;
  Done take_port_of(Plan& plan, const Proxy* there) const;
  Answer<Entry*> make(const Plan& plan);
  Done change(Entry& entry, Plan plan);
  Done drop_toxics(Entry& entry);
  static nlohmann::json toxics_json(const Proxy& proxy);
  static nlohmann::json to_json(const Entry& entry);

  LinkTable& links_;
  const ProxyPermits permits_;
  mutable std::mutex mutex_;
  std::map<std::string, Proxy> proxies_;
};

}  // namespace panshi::agent::toxiproxy
