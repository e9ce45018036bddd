// SPDX-License-Identifier: Apache-2.0
// NatsRequests: requests to a NATS server and their answers, for who must not trust the server. One
// call has one time in all, and the server may send so many bytes meanwhile; beyond either the
// connection is closed, and nothing of what came is kept. Does not reconnect. One thread at a time.
//
// Without cnats: its reader takes a message of any size, and loses the memory of one that has no
// end (docs/decisions/0023).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/peer_user.h"

namespace panshi {

class NatsRequests {
 public:
  struct Options {
    // nats://127.77.5.1:17422, tls://…; USER:PASSWORD@ or TOKEN@ may stand before the host
    std::string url;
    std::string client_name = "panshi";
    std::string user = {};  // "": as the url says
    std::string password = {};
    // PEM file of who signs the server's certificate: TLS, whatever the url begins with. "" with
    // tls://: the machine's list.
    std::string authority = {};
    // Who may hear the password; none: whoever is there. Over TLS the certificate says who it is.
    std::optional<PasswordRules> rules = {};
    Duration timeout = std::chrono::seconds(1);  // of connect() and of each request, in all
    std::size_t answer_max = 16 << 20;           // bytes the server may send in that time
  };

  // kRefused: the server does not let the account in, or lets it have no answers, or is not who it
  // should be; kUnavailable: nobody is there who speaks NATS; kInvalid: the url or the authority.
  static Result<std::unique_ptr<NatsRequests>> connect(const Options& options);
  ~NatsRequests();
  NatsRequests(const NatsRequests&) = delete;
  NatsRequests& operator=(const NatsRequests&) = delete;

  // The JetStream API (`$JS.API.…`), or a message to be stored, whose answer says where.
  // kRefused: the account may not ask that; kUnavailable: nothing was asked, or nobody is there who
  // would answer; kTimeout: unknown, and the connection is closed.
  Result<std::string> request(const std::string& subject, std::string_view body,
                              const std::map<std::string, std::string>& headers = {});

 private:
  class Link;
  explicit NatsRequests(std::unique_ptr<Link> link);
  const std::unique_ptr<Link> link_;
};

}  // namespace panshi
