// SPDX-License-Identifier: Apache-2.0
// One Redis connection with hard timeouts. The only user of hiredis.
//
// One thread at a time. After kTimeout or kUnavailable the connection is dead: make a new one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/peer_user.h"

namespace panshi {

struct RedisReply {
  enum class Kind { kNil, kInteger, kText, kList };
  Kind kind = Kind::kNil;
  std::int64_t integer = 0;
  std::string text;
  std::vector<RedisReply> list;
};

class Redis {
 public:
  struct Options {
    std::string host;
    std::uint16_t port = 6379;
    std::string password = {};
    std::optional<PasswordRules> rules = {};  // who may hear the password; none: whoever is there
    Duration connect_timeout = std::chrono::milliseconds(500);
    Duration command_timeout = std::chrono::milliseconds(500);  // for the whole answer
    std::size_t reply_max = 64 << 20;                           // bytes of an answer
  };
  static Result<Redis> connect(const Options& options);
  Redis(Redis&&) noexcept;
  Redis& operator=(Redis&&) noexcept;
  ~Redis();

  // An answer has at most `reply_max` bytes, its arrays 2^20 elements; more are kTimeout, as is an
  // answer that trickles in for longer than `command_timeout`.
  // An error reply is kRefused with its words; kTimeout: unknown whether it was carried out.
  Result<RedisReply> run(const std::vector<std::string>& command);
  // EVALSHA, falling back to EVAL once.
  Result<RedisReply> eval(const std::string& script, const std::vector<std::string>& keys,
                          const std::vector<std::string>& arguments);

 private:
  struct Impl;
  explicit Redis(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
