// SPDX-License-Identifier: Apache-2.0
// ProxyBook: the proxies and toxics that came by Toxiproxy's API. An enabled proxy is a link of the
// LinkTable; a disabled one holds no port.
//
// One call at a time: a lock is held, also while a name is looked up. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agents/toxiproxy/messages.h"

namespace panshi::agent {
class LinkTable;
}

namespace panshi::agent::toxiproxy {

class ProxyBook {
 public:
  static constexpr std::size_t kProxiesMax = 256;

  explicit ProxyBook(LinkTable& links) : links_(links) {}  // which must outlive it

  nlohmann::json list() const;  // by name
  Answer<nlohmann::json> show(const std::string& proxy) const;
  Answer<nlohmann::json> create(const std::string& body);
  Answer<nlohmann::json> update(const std::string& proxy, const std::string& body);
  Done remove(const std::string& proxy);
  Done reset();  // every proxy enabled, without toxics

  // What was made or was there already, up to the first mistake.
  struct Populated {
    std::vector<nlohmann::json> proxies;
    std::optional<ApiError> error;
  };
  Populated populate(const std::string& body);

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
    std::vector<NamedToxic> toxics;  // in the order they were added
  };
  using Entry = std::pair<const std::string, Proxy>;

  Answer<Entry*> find(const std::string& proxy);
  Answer<const Entry*> find(const std::string& proxy) const;
  Answer<Entry*> add(const ProxyInput& input);
  Done start(Entry& entry);
  void stop(Entry& entry);
  static nlohmann::json toxics_json(const Proxy& proxy);
  static nlohmann::json to_json(const Entry& entry);

  LinkTable& links_;
  mutable std::mutex mutex_;
  std::map<std::string, Proxy> proxies_;
};

}  // namespace panshi::agent::toxiproxy
