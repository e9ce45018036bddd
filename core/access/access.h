// SPDX-License-Identifier: Apache-2.0
// Access: stands in front of an HttpServer. Says who calls and what they may do, and writes down
// what was done and what was refused.
//
// Known are: whoever holds a token, of a file or of the book; whom a certificate names; and whoever
// is at the Unix socket, who may all. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/access/audit_log.h"
#include "core/access/rights.h"
#include "core/access/token_book.h"
#include "core/base/token_bucket.h"
#include "core/io/http_server.h"
#include "core/io/peer_user.h"

namespace panshi {

class Access : public HttpDoorman {
 public:
  struct FileToken {
    std::string name;  // "controller.token"
    std::string text;
    Rights rights = 0;
  };
  struct Options {
    std::vector<FileToken> tokens = {};
    // By what a certificate names: "user/alice", or a whole role, "controller".
    std::map<std::string, Rights> certificates = {};
    HttpCaller anybody = {};  // whoever comes without either; no rights: is turned away
    // Where they call: each is then told from others by the account of its process.
    std::optional<TcpEnd> anybody_at = {};
    double changes_burst = 200;  // of one caller, then 5 a second
  };
  // Either may be null.
  Access(Options options, std::shared_ptr<TokenBook> book, std::shared_ptr<AuditLog> audit)
      : options_(std::move(options)),
        book_(std::move(book)),
        audit_(std::move(audit)),
        certificates_(options_.certificates) {}

  // In place of Options::certificates, from now on.
  void let_in(std::map<std::string, Rights> certificates);

  HttpCaller identify(const HttpRequest& head, bool one_credential) const override;
  std::string lacks(const HttpCaller& caller, Rights rights) const override;
  void on_refused(const HttpRequest& head, const HttpResponse& answer) override;
  Status on_change(const HttpRequest& request, Rights rights) override;

 private:
  Rights of_certificate(const std::string& peer) const;
  bool may_change(const std::string& who);

  const Options options_;
  const std::shared_ptr<TokenBook> book_;
  const std::shared_ptr<AuditLog> audit_;
  mutable std::mutex mutex_;
  std::map<std::string, Rights> certificates_;
  std::map<std::string, TokenBucket> changes_;  // of each caller
};

// {"routes":[{"method","path","rights":[…],"noted"}]}: what each route wants of its caller. Open
// ones are not in it. `server` must outlive the answer's handler.
nlohmann::json routes_json(const HttpServer& server);

}  // namespace panshi
