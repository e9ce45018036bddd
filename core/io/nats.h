// SPDX-License-Identifier: Apache-2.0
// NATS JetStream: durable publish with acknowledgement, and pull consumers. Only user of cnats.
//
// For servers of one's own: what they send is bounded in time alone. Who must not trust the server
// takes nats_requests.h. Thread-safe. Reconnects by itself; a publish while disconnected fails fast
// with kUnavailable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace panshi {

struct NatsMessage {
  std::string subject;
  std::string body;
  std::string trace;  // header `traceparent`, "" without
  std::uint64_t stream_sequence = 0;
  std::uint64_t delivered = 1;  // how many times, this one included
};

// What the handler decided about a message.
struct NatsVerdict {
  enum class Kind { kAck, kRetry, kTerminate } kind = Kind::kAck;
  Duration retry_after{};  // for kRetry
};

class Nats {
 public:
  struct Options {
    std::vector<std::string> urls;  // nats://127.77.5.1:17422; of one cluster, no others are used
    std::string client_name = "panshi";
    std::string user = {};  // "": as the urls say
    std::string password = {};
    Duration request_timeout = std::chrono::milliseconds(1000);
  };
  struct Stream {
    std::string name;
    std::vector<std::string> subjects;
    Duration duplicate_window = std::chrono::minutes(2);
    int replicas = 1;
  };
  struct Counts {
    std::uint64_t pending = 0;  // not yet delivered to this consumer
    std::uint64_t unacknowledged = 0;
  };

  // kRefused: the server does not let the account in; kUnavailable: nobody is there.
  static Result<std::unique_ptr<Nats>> connect(const Options& options);
  virtual ~Nats() = default;

  virtual Status ensure_stream(const Stream& stream) = 0;  // file storage; no error if it is there
  // Returns once the stream stored it. `message_id` makes a repeat within the duplicate window
  // harmless. kTimeout: unknown whether it was stored; repeat with the same id.
  // `trace`: goes along as the header `traceparent` unless it is "".
  virtual Status publish(const std::string& subject, std::string_view body,
                         const std::string& message_id, const std::string& trace = {}) = 0;
  // Durable pull consumer: waits for a message, then `linger` for more of them, calls `handle` once
  // with all of them on the calling thread, and answers each as told (as many verdicts as
  // messages). A few large batches cost the servers much less than many small ones: what they note
  // about a consumer is replicated. Returns the number handled; 0 when none came within `wait`.
  struct Pull {
    std::string stream;
    std::string durable;
    std::string subject_filter;
    int batch = 1;
    Duration wait = std::chrono::seconds(1);
    Duration linger{};  // 0: what is there at once
    Duration ack_wait = std::chrono::seconds(30);
    int replicas = 0;  // of the consumer, when it is made; 0: as many as the stream
  };
  using HandleBatch = std::function<std::vector<NatsVerdict>(const std::vector<NatsMessage>&)>;
  virtual Result<int> consume(const Pull& pull, const HandleBatch& handle) = 0;
  virtual Result<Counts> counts(const std::string& stream, const std::string& durable) = 0;
  // Every message of a stream from the first, for audits.
  virtual Status read_all(const std::string& stream, const std::string& subject_filter,
                          const std::function<void(const NatsMessage&)>& each) = 0;
  // kNotFound: it is gone already.
  virtual Status remove(const std::string& stream, std::uint64_t sequence) = 0;
  virtual bool connected() const = 0;
};

}  // namespace panshi
