// SPDX-License-Identifier: Apache-2.0
#include "core/io/redis.h"

#include <hiredis/hiredis.h>
#include <poll.h>

#include <algorithm>
#include <unordered_map>

#include "core/base/text.h"
#include "core/io/peer_user.h"

namespace panshi {
namespace {

timeval to_timeval(Duration duration) {
  const auto us = duration.count();
  return {.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
}

// hiredis makes room for every element that an array announces, received or not: a peer that
// announces two thousand million of them would cost 16 GB and minutes. As if memory were short.
constexpr int kElementsMax = 1 << 20;

void bound_arrays(redisReader& reader) {
  static const redisReplyObjectFunctions own = *reader.fn;
  static redisReplyObjectFunctions bounded = [] {
    redisReplyObjectFunctions table = own;
    table.createArray = [](const redisReadTask* task, int elements) -> void* {
      return elements > kElementsMax ? nullptr : own.createArray(task, elements);
    };
    return table;
  }();
  reader.fn = &bounded;
}

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using ReplyPtr = std::unique_ptr<redisReply, FreeReply>;

RedisReply copy_of(const redisReply& from) {
  RedisReply to;
  switch (from.type) {
    case REDIS_REPLY_NIL:
      break;
    case REDIS_REPLY_INTEGER:
      to.kind = RedisReply::Kind::kInteger;
      to.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      to.kind = RedisReply::Kind::kList;
      for (std::size_t i = 0; i < from.elements; ++i) to.list.push_back(copy_of(*from.element[i]));
      break;
    default:  // text, status, and errors within a list
      to.kind = RedisReply::Kind::kText;
      to.text.assign(from.str, from.len);
  }
  return to;
}

}  // namespace

struct Redis::Impl {
  redisContext* context = nullptr;
  Options options;
  std::unordered_map<std::string, std::string> sha_of_script;
  bool dead = false;

  ~Impl() {
    if (context) redisFree(context);
  }

  // Null: `why` says so. hiredis bounds each read, but not how many there are nor what they bring.
  redisReply* answer(MonoTime until, std::string& why) {
    std::size_t got = 0;
    for (void* reply = nullptr;;) {
      if (redisGetReplyFromReader(context, &reply) != REDIS_OK)
        return why = context->errstr, nullptr;
      if (reply != nullptr) return static_cast<redisReply*>(reply);
      if (got > options.reply_max) {
        return why = cat("an answer longer than ", options.reply_max, " bytes"), nullptr;
      }
      const auto left = std::max<std::int64_t>((until - mono_now()).count(), 0);
      pollfd readable{.fd = context->fd, .events = POLLIN, .revents = 0};
      if (::poll(&readable, 1, static_cast<int>((left + 999) / 1'000)) <= 0)
        return why = "no answer in time", nullptr;
      const std::size_t before = context->reader->len;
      if (redisBufferRead(context) != REDIS_OK) return why = context->errstr, nullptr;
      got += context->reader->len - before;
    }
  }

  // An idle connection that is readable was closed by the server: nothing has been sent yet, so
  // the caller may safely try another one.
  bool closed_while_idle() const {
    pollfd poll_fd{.fd = context->fd, .events = POLLIN, .revents = 0};
    return ::poll(&poll_fd, 1, 0) != 0;
  }
};

Redis::Redis(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Redis::Redis(Redis&&) noexcept = default;
Redis& Redis::operator=(Redis&&) noexcept = default;
Redis::~Redis() = default;

Result<Redis> Redis::connect(const Options& options) {
  auto impl = std::make_unique<Impl>();
  impl->context = redisConnectWithTimeout(options.host.c_str(), options.port,
                                          to_timeval(options.connect_timeout));
  const std::string place = cat("redis ", options.host, ":", options.port);
  if (!impl->context) return fail(ErrorCode::kUnavailable, cat(place, ": no memory"));
  if (impl->context->err != 0) {
    return fail(ErrorCode::kUnavailable, cat(place, ": ", impl->context->errstr));
  }
  impl->options = options;
  bound_arrays(*impl->context->reader);
  redisSetTimeout(impl->context, to_timeval(options.command_timeout));
  Redis redis(std::move(impl));
  if (!options.password.empty()) {
    if (options.rules) {
      const int connection = redis.impl_->context->fd;
      if (auto its = check_server(connection, *options.rules); !its) {
        return fail(its.error(), place);
      }
    }
    if (auto in = redis.run({"AUTH", options.password}); !in) return fail(in.error(), place);
  }
  return redis;
}

Result<RedisReply> Redis::run(const std::vector<std::string>& command) {
  Impl& impl = *impl_;
  if (impl.dead || impl.closed_while_idle()) {
    impl.dead = true;
    return fail(ErrorCode::kUnavailable, "redis: connection closed");
  }
  std::vector<const char*> pieces;
  std::vector<std::size_t> sizes;
  for (const std::string& piece : command) {
    pieces.push_back(piece.data());
    sizes.push_back(piece.size());
  }
  const MonoTime until = mono_now() + impl.options.command_timeout;
  std::string why;
  bool sent = redisAppendCommandArgv(impl.context, static_cast<int>(pieces.size()), pieces.data(),
                                     sizes.data()) == REDIS_OK;
  for (int all = 0; sent && all == 0;) {
    sent = redisBufferWrite(impl.context, &all) == REDIS_OK && (all != 0 || mono_now() < until);
  }
  if (!sent) why = impl.context->err != 0 ? impl.context->errstr : "not taken in time";
  const ReplyPtr reply(sent ? impl.answer(until, why) : nullptr);
  if (!reply) {  // sent perhaps, not answered: hiredis cannot use this connection again
    impl.dead = true;
    return fail(ErrorCode::kTimeout, cat("redis ", command.front(), ": ", why));
  }
  if (reply->type == REDIS_REPLY_ERROR) {
    return fail(ErrorCode::kRefused, std::string(reply->str, reply->len));
  }
  return copy_of(*reply);
}

Result<RedisReply> Redis::eval(const std::string& script, const std::vector<std::string>& keys,
                               const std::vector<std::string>& arguments) {
  std::string& sha = impl_->sha_of_script[script];
  if (sha.empty()) {
    ASSIGN_OR_RETURN(const RedisReply loaded, run({"SCRIPT", "LOAD", script}));
    sha = loaded.text;
  }
  std::vector<std::string> command = {"EVALSHA", sha, std::to_string(keys.size())};
  command.insert(command.end(), keys.begin(), keys.end());
  command.insert(command.end(), arguments.begin(), arguments.end());
  auto answer = run(command);
  if (answer || !answer.error().message.starts_with("NOSCRIPT")) return answer;
  command[0] = "EVAL";  // the server was restarted or its scripts flushed
  command[1] = script;
  return run(command);
}

}  // namespace panshi
