// SPDX-License-Identifier: Apache-2.0
#include "core/io/nats.h"

#include <nats/nats.h>

#include <map>
#include <mutex>
#include <thread>
#include <tuple>

#include "core/base/check.h"
#include "core/base/text.h"

namespace panshi {
namespace {

// To take messages that wait already. Not shorter: what the server gets after its time is up piles
// up there as requests that nobody waits for.
constexpr std::int64_t kTakeMs = 50;

constexpr const char* kTraceHeader = "traceparent";

std::int64_t to_ms(Duration duration) {
  return std::max<std::int64_t>(
      1, std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}
std::int64_t to_ns(Duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

template <auto Destroy>
struct Destroyer {
  template <class T>
  void operator()(T* thing) const {
    Destroy(thing);
  }
};
using MessagePtr = std::unique_ptr<natsMsg, Destroyer<natsMsg_Destroy>>;
using SubscriptionPtr = std::unique_ptr<natsSubscription, Destroyer<natsSubscription_Destroy>>;
using StreamInfoPtr = std::unique_ptr<jsStreamInfo, Destroyer<jsStreamInfo_Destroy>>;
using ConsumerInfoPtr = std::unique_ptr<jsConsumerInfo, Destroyer<jsConsumerInfo_Destroy>>;
using OptionsPtr = std::unique_ptr<natsOptions, Destroyer<natsOptions_Destroy>>;

// For calls that change nothing: whatever the reason, it is as if nobody had been there.
ErrorCode code_of(natsStatus status) {
  switch (status) {
    case NATS_NOT_FOUND:
      return ErrorCode::kNotFound;
    case NATS_TIMEOUT:
      return ErrorCode::kTimeout;
    case NATS_ERR:
    case NATS_INVALID_ARG:
      return ErrorCode::kInternal;
    default:
      return ErrorCode::kUnavailable;
  }
}
tl::unexpected<Error> failed(natsStatus status, std::string_view doing) {
  return fail(code_of(status), cat("nats ", doing, ": ", natsStatus_GetText(status)));
}

// A URL without the user and password that it may have.
std::string place_of(const std::string& url) {
  const std::size_t slashes = url.find("//");
  const std::size_t host = slashes == std::string::npos ? 0 : slashes + 2;
  const std::size_t at = url.rfind('@');
  return at == std::string::npos || at < host ? url : url.substr(0, host) + url.substr(at + 1);
}

struct MessageList {
  MessageList() = default;
  ~MessageList() { natsMsgList_Destroy(&list); }
  MessageList(const MessageList&) = delete;
  MessageList& operator=(const MessageList&) = delete;
  natsMsgList list{};
};

NatsMessage copy_of(natsMsg* message) {
  NatsMessage copy;
  copy.subject = natsMsg_GetSubject(message);
  copy.body.assign(natsMsg_GetData(message),
                   static_cast<std::size_t>(natsMsg_GetDataLength(message)));
  const char* trace = nullptr;
  if (natsMsgHeader_Get(message, kTraceHeader, &trace) == NATS_OK) copy.trace = trace;
  jsMsgMetaData* data = nullptr;
  if (natsMsg_GetMetaData(&data, message) == NATS_OK) {
    copy.stream_sequence = data->Sequence.Stream;
    copy.delivered = data->NumDelivered;
    jsMsgMetaData_Destroy(data);
  }
  return copy;
}

natsStatus answer(natsMsg* message, const NatsVerdict& verdict) {
  switch (verdict.kind) {
    case NatsVerdict::Kind::kAck:
      return natsMsg_Ack(message, nullptr);
    case NatsVerdict::Kind::kRetry:
      return natsMsg_NakWithDelay(message, to_ms(verdict.retry_after), nullptr);
    case NatsVerdict::Kind::kTerminate:
      return natsMsg_Term(message, nullptr);
  }
  return NATS_INVALID_ARG;
}

class JetStream final : public Nats {
 public:
  JetStream(natsConnection* connection, jsCtx* context)
      : connection_(connection), context_(context) {}
  ~JetStream() override {
    idle_.clear();
    jsCtx_Destroy(context_);
    natsConnection_Destroy(connection_);
  }
  JetStream(const JetStream&) = delete;
  JetStream& operator=(const JetStream&) = delete;

  Status ensure_stream(const Stream& stream) override;
  Status publish(const std::string& subject, std::string_view body, const std::string& message_id,
                 const std::string& trace) override;
  Result<int> consume(const Pull& pull, const HandleBatch& handle) override;
  Result<Counts> counts(const std::string& stream, const std::string& durable) override;
  Status read_all(const std::string& stream, const std::string& subject_filter,
                  const std::function<void(const NatsMessage&)>& each) override;
  Status remove(const std::string& stream, std::uint64_t sequence) override;
  bool connected() const override {
    return natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED;
  }

 private:
  using ConsumerKey = std::tuple<std::string, std::string, std::string>;
  static ConsumerKey key_of(const Pull& pull) {
    return {pull.stream, pull.durable, pull.subject_filter};
  }
  Result<SubscriptionPtr> take_subscription(const Pull& pull);
  void give_back(const ConsumerKey& key, SubscriptionPtr subscription);
  Result<std::uint64_t> count_matching(const std::string& stream, const std::string& filter);

  natsConnection* connection_;
  jsCtx* context_;
  // A pull subscription serves one fetch at a time: each concurrent consume() has its own.
  std::mutex mutex_;
  std::multimap<ConsumerKey, SubscriptionPtr> idle_;
};

Status JetStream::ensure_stream(const Stream& stream) {
  jsStreamInfo* found = nullptr;
  const natsStatus status =
      js_GetStreamInfo(&found, context_, stream.name.c_str(), nullptr, nullptr);
  const StreamInfoPtr found_owner(found);
  if (status == NATS_OK) return {};
  if (status != NATS_NOT_FOUND) return failed(status, cat("look for stream ", stream.name));

  std::vector<const char*> subjects;
  for (const std::string& subject : stream.subjects) subjects.push_back(subject.c_str());
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = stream.name.c_str();
  config.Subjects = subjects.data();
  config.SubjectsLen = static_cast<int>(subjects.size());
  config.Storage = js_FileStorage;
  config.Duplicates = to_ns(stream.duplicate_window);
  config.Replicas = stream.replicas;
  jsStreamInfo* made = nullptr;
  jsErrCode js_error = jsErrCode{};
  const natsStatus added = js_AddStream(&made, context_, &config, nullptr, &js_error);
  const StreamInfoPtr made_owner(made);
  if (added == NATS_OK || js_error == JSStreamNameExistErr) return {};
  return failed(added, cat("make stream ", stream.name));
}

Status JetStream::publish(const std::string& subject, std::string_view body,
                          const std::string& message_id, const std::string& trace) {
  if (!connected()) return fail(ErrorCode::kUnavailable, "nats: not connected");
  natsMsg* made = nullptr;
  natsStatus status =
      natsMsg_Create(&made, subject.c_str(), nullptr, body.data(), static_cast<int>(body.size()));
  const std::unique_ptr<natsMsg, void (*)(natsMsg*)> message(made, natsMsg_Destroy);
  if (status == NATS_OK && !trace.empty()) {
    status = natsMsgHeader_Set(made, kTraceHeader, trace.c_str());
  }
  if (status != NATS_OK) return failed(status, "make a message");
  jsPubOptions options;
  jsPubOptions_Init(&options);
  options.MsgId = message_id.c_str();
  jsErrCode js_error = jsErrCode{};
  status = js_PublishMsg(nullptr, context_, made, &options, &js_error);
  if (status == NATS_OK) return {};
  // No responders: JetStream is not there, so nothing was stored. Anything else may have been.
  const bool surely_not = status == NATS_NO_RESPONDERS || js_error != jsErrCode{};
  return fail(surely_not ? ErrorCode::kUnavailable : ErrorCode::kTimeout,
              cat("nats publish ", subject, ": ", natsStatus_GetText(status)));
}

Result<SubscriptionPtr> JetStream::take_subscription(const Pull& pull) {
  const ConsumerKey key = key_of(pull);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = idle_.find(key); found != idle_.end()) {
      SubscriptionPtr subscription = std::move(found->second);
      idle_.erase(found);
      return subscription;
    }
  }
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = pull.stream.c_str();
  options.Config.AckPolicy = js_AckExplicit;
  options.Config.AckWait = to_ns(pull.ack_wait);
  options.Config.Replicas = pull.replicas;
  options.Config.MaxAckPending = 10'000;  // retried messages count too: they must not block fresh
  natsSubscription* made = nullptr;
  const natsStatus status = js_PullSubscribe(&made, context_, pull.subject_filter.c_str(),
                                             pull.durable.c_str(), nullptr, &options, nullptr);
  if (status != NATS_OK) return failed(status, cat("subscribe ", pull.durable));
  return SubscriptionPtr(made);
}

void JetStream::give_back(const ConsumerKey& key, SubscriptionPtr subscription) {
  const std::lock_guard lock(mutex_);
  idle_.emplace(key, std::move(subscription));
}

Result<int> JetStream::consume(const Pull& pull, const HandleBatch& handle) {
  if (!connected()) return fail(ErrorCode::kUnavailable, "nats: not connected");
  const ConsumerKey key = key_of(pull);
  ASSIGN_OR_RETURN(SubscriptionPtr subscription, take_subscription(pull));
  MessageList first;
  const natsStatus status =
      natsSubscription_Fetch(&first.list, subscription.get(), 1, to_ms(pull.wait), nullptr);
  if (status == NATS_TIMEOUT) {
    give_back(key, std::move(subscription));
    return 0;
  }
  if (status != NATS_OK) return failed(status, cat("fetch ", pull.durable));  // new one next time
  MessageList more;
  if (pull.batch > 1) {  // should this fail, the first is still ours to handle
    // A fetch of many returns with the first that come, however long it may wait: so we wait, and
    // then take what is there.
    std::this_thread::sleep_for(pull.linger);
    (void)natsSubscription_Fetch(&more.list, subscription.get(), pull.batch - 1, kTakeMs, nullptr);
  }
  give_back(key, std::move(subscription));

  std::vector<natsMsg*> raw;
  for (const MessageList* list : {&first, &more}) {
    raw.insert(raw.end(), list->list.Msgs, list->list.Msgs + list->list.Count);
  }
  std::vector<NatsMessage> messages;
  for (natsMsg* message : raw) messages.push_back(copy_of(message));
  const std::vector<NatsVerdict> verdicts = handle(messages);
  CHECK_BUG(verdicts.size() == messages.size());
  natsStatus worst = NATS_OK;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const natsStatus answered = answer(raw[i], verdicts[i]);
    if (answered != NATS_OK) worst = answered;
  }
  if (worst != NATS_OK) return failed(worst, "acknowledge");  // it will be delivered again
  return static_cast<int>(raw.size());
}

Result<Nats::Counts> JetStream::counts(const std::string& stream, const std::string& durable) {
  jsConsumerInfo* consumer_info = nullptr;
  const natsStatus status = js_GetConsumerInfo(&consumer_info, context_, stream.c_str(),
                                               durable.c_str(), nullptr, nullptr);
  const ConsumerInfoPtr consumer_owner(consumer_info);
  if (status != NATS_OK) return failed(status, cat("look at consumer ", durable));
  return Counts{.pending = consumer_info->NumPending,
                .unacknowledged = static_cast<std::uint64_t>(consumer_info->NumAckPending)};
}

Result<std::uint64_t> JetStream::count_matching(const std::string& stream,
                                                const std::string& filter) {
  jsOptions options;
  jsOptions_Init(&options);
  options.Stream.Info.SubjectsFilter = filter.c_str();
  jsStreamInfo* info = nullptr;
  const natsStatus status = js_GetStreamInfo(&info, context_, stream.c_str(), &options, nullptr);
  const StreamInfoPtr owner(info);
  if (status != NATS_OK) return failed(status, cat("look at stream ", stream));
  std::uint64_t count = 0;
  const auto* subjects = info->State.Subjects;
  for (int i = 0; subjects && i < subjects->Count; ++i) count += subjects->List[i].Msgs;
  return count;
}

Status JetStream::remove(const std::string& stream, std::uint64_t sequence) {
  const natsStatus status = js_DeleteMsg(context_, stream.c_str(), sequence, nullptr, nullptr);
  if (status == NATS_OK) return {};
  return failed(status, cat("remove message ", sequence, " of ", stream));
}

Status JetStream::read_all(const std::string& stream, const std::string& subject_filter,
                           const std::function<void(const NatsMessage&)>& each) {
  ASSIGN_OR_RETURN(std::uint64_t left, count_matching(stream, subject_filter));
  if (left == 0) return {};
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = stream.c_str();
  options.Ordered = true;
  options.Config.DeliverPolicy = js_DeliverAll;
  natsSubscription* made = nullptr;
  const natsStatus status =
      js_SubscribeSync(&made, context_, subject_filter.c_str(), nullptr, &options, nullptr);
  if (status != NATS_OK) return failed(status, cat("read stream ", stream));
  const SubscriptionPtr subscription(made);
  for (; left > 0; --left) {
    natsMsg* raw = nullptr;
    const natsStatus next = natsSubscription_NextMsg(&raw, subscription.get(), 5'000);
    if (next != NATS_OK) return failed(next, cat("read stream ", stream));
    const MessagePtr message(raw);
    each(copy_of(raw));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Nats>> Nats::connect(const Options& options) {
  natsOptions* raw = nullptr;
  if (natsOptions_Create(&raw) != NATS_OK) return fail(ErrorCode::kInternal, "nats: no memory");
  const OptionsPtr owner(raw);
  std::vector<const char*> urls;
  for (const std::string& url : options.urls) urls.push_back(url.c_str());
  natsOptions_SetServers(raw, urls.data(), static_cast<int>(urls.size()));
  natsOptions_SetName(raw, options.client_name.c_str());
  if (!options.user.empty()) {
    natsOptions_SetUserInfo(raw, options.user.c_str(), options.password.c_str());
  }
  natsOptions_SetTimeout(raw, to_ms(options.request_timeout));
  natsOptions_SetMaxReconnect(raw, -1);
  natsOptions_SetReconnectWait(raw, 100);
  natsOptions_SetReconnectJitter(raw, 50, 50);
  natsOptions_SetPingInterval(raw, 1'000);  // a frozen server is noticed after about three
  natsOptions_SetMaxPingsOut(raw, 2);
  natsOptions_SetFailRequestsOnDisconnect(raw, true);
  natsOptions_SetSendAsap(raw, true);
  natsConnection* connection = nullptr;
  if (const natsStatus status = natsConnection_Connect(&connection, raw); status != NATS_OK) {
    std::vector<std::string> places;
    for (const std::string& url : options.urls) places.push_back(place_of(url));
    return fail(
        status == NATS_CONNECTION_AUTH_FAILED ? ErrorCode::kRefused : ErrorCode::kUnavailable,
        cat("nats ", join(places, ", "), ": ", natsStatus_GetText(status)));
  }
  jsOptions js_options;
  jsOptions_Init(&js_options);
  js_options.Wait = to_ms(options.request_timeout);
  jsCtx* context = nullptr;
  if (const natsStatus status = natsConnection_JetStream(&context, connection, &js_options);
      status != NATS_OK) {
    natsConnection_Destroy(connection);
    return failed(status, "open JetStream");
  }
  return std::make_unique<JetStream>(connection, context);
}

}  // namespace panshi
