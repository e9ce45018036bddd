// SPDX-License-Identifier: Apache-2.0
// MariaDB over TCP with prepared statements and hard timeouts. The only user of libmariadb.
//
// One thread at a time per connection. After any kTimeout or kUnavailable the connection is dead:
// make a new one. kTimeout means the statement may have been carried out.
//
// The password is only used in a challenge (mysql_native_password, ed25519), never sent; the server
// gets no file of ours (LOCAL INFILE). A challenge can be passed on by whoever listens in the
// server's place: `rules` say to whom it is answered in the clear.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/peer_user.h"

namespace panshi {

class MariaDb {
 public:
  struct Options {
    std::string host;
    std::uint16_t port = 3306;
    std::string user;
    std::string password = {};
    std::string database = {};
    Duration connect_timeout = std::chrono::seconds(1);    // rounded up to whole seconds
    Duration statement_timeout = std::chrono::seconds(2);  // read and write of one statement
    std::size_t answer_max = 256 << 20;  // bytes that the server may send to it; beyond: cut off
    std::filesystem::path socket = {};   // a Unix socket in place of host and port
    // PEM: by TLS, and only when the server has a certificate of these for `host`. "": in clear.
    std::filesystem::path authority = {};
    // Who may be logged in to in the clear, over TCP; none: whoever is there.
    std::optional<PasswordRules> rules = {};
  };
  using Value = std::variant<std::nullptr_t, std::int64_t, double, std::string>;
  using Row = std::vector<std::optional<std::string>>;
  struct Answer {
    std::vector<Row> rows;
    std::vector<std::string> columns;
    std::int64_t affected = 0;
  };

  // kRefused: the server's no, or ours to whoever is there (`rules`).
  static Result<MariaDb> connect(const Options& options);
  MariaDb(MariaDb&&) noexcept;
  MariaDb& operator=(MariaDb&&) noexcept;
  ~MariaDb();

  // Prepared with `?`; cached by text. CALL of a procedure returns its first result set.
  // kConflict on a duplicate key; kUnavailable: surely not carried out; kTimeout: unknown.
  Result<Answer> run(std::string_view sql, std::span<const Value> values);
  Result<Answer> run(std::string_view sql, std::initializer_list<Value> values = {}) {
    return run(sql, std::span(values.begin(), values.size()));
  }
  // Text protocol, no values: for administration and several statements (`;`).
  Status script(std::string_view sql);
  std::uint64_t thread_id() const;

 private:
  struct Impl;
  explicit MariaDb(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
