// SPDX-License-Identifier: Apache-2.0
// replay: puts what a consumer gave up before it again: one run. A letter is removed only after its
// message is stored in EVENT.CONSUMER; a repeat in between is harmless, consumers are idempotent.
//
//   storefront replay --config FILE list | all | CONSUMER
#include <iostream>

#include "core/base/text.h"
#include "core/io/log.h"
#include "platform/storefront/services/config.h"
#include "platform/storefront/services/services.h"
#include "platform/storefront/stores/queue.h"

namespace panshi::shop {
namespace {

struct Letter {
  std::uint64_t sequence = 0;  // in SHOP_DEAD
  nlohmann::json body;
  std::string consumer() const { return body.value("consumer", ""); }
};

Result<std::vector<Letter>> read_letters(Nats& nats) {
  std::vector<Letter> letters;
  const Status read =
      nats.read_all(kDeadStream, std::string(kDead) + "*", [&](const NatsMessage& message) {
        auto body = parse_json(message.body);
        if (body && body->is_object()) {
          letters.push_back({message.stream_sequence, *std::move(body)});
        }
      });
  if (!read) return tl::unexpected(read.error());
  return letters;
}

Status put_back(Nats& nats, const Letter& letter) {
  const std::string consumer = letter.consumer();
  const Status stored =
      nats.publish(subject_for(letter.body.value("event", ""), consumer),
                   letter.body.value("body", ""), cat("replay:", consumer, ":", letter.sequence));
  if (!stored) return stored;
  const Status removed = nats.remove(kDeadStream, letter.sequence);
  if (!removed && removed.error().code != ErrorCode::kNotFound) return removed;
  return {};
}

// `wanted`: list, all, or the name of a consumer. One JSON line for each letter.
Status replay(const ReplayConfig& config, const std::string& wanted) {
  ASSIGN_OR_RETURN(const auto nats, Nats::connect(nats_options(config.queue, "replay")));
  ASSIGN_OR_RETURN(const auto letters, read_letters(*nats));
  for (const Letter& letter : letters) {
    if (wanted != "list" && wanted != "all" && wanted != letter.consumer()) continue;
    nlohmann::json line = letter.body;
    line["replayed"] = wanted != "list";
    if (wanted != "list") {
      if (auto done = put_back(*nats, letter); !done) return done;
    }
    std::cout << dump_json(line) << "\n";
  }
  return {};
}

}  // namespace

int run_replay(const RoleContext& context) {
  if (context.arguments.size() != 1) {
    log_error("replay wants one word: list, all, or the name of a consumer");
    return kExitUsage;
  }
  const auto read = read_config<ReplayConfig>(context, read_replay_config);
  if (!read.config) return read.exit_status;
  if (const Status done = replay(*read.config, context.arguments[0]); !done) {
    log_error(cat("replay: ", done.error().message));
    return kExitFailed;
  }
  return kExitOk;
}

}  // namespace panshi::shop
