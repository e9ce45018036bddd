// SPDX-License-Identifier: Apache-2.0
#include "agents/links/link.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "core/base/ids.h"
#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr int kAcceptsMax = 64;  // in one round
constexpr Duration kFullToldEvery = std::chrono::minutes(1);

std::uint64_t seed_of(const LinkSpec& spec) {
  return spec.seed != 0 ? spec.seed : fnv1a(spec.name);
}

// Whoever has one IPv6 address has the 2^64 beside it, too.
Source source_of(const Address& address) {
  constexpr std::size_t kPrefix = 8;  // bytes
  constexpr std::size_t kMapped = 12;
  Source source{};
  if (address.bytes.ss_family == AF_INET) {
    source[10] = source[11] = 0xff;
    const auto* four = reinterpret_cast<const sockaddr_in*>(&address.bytes);
    std::memcpy(&source[kMapped], &four->sin_addr, sizeof four->sin_addr);
  } else if (address.bytes.ss_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&address.bytes);
    const bool is_mapped = IN6_IS_ADDR_V4MAPPED(&six->sin6_addr);
    std::memcpy(source.data(), &six->sin6_addr, is_mapped ? source.size() : kPrefix);
  }
  return source;
}

// What the configuration has checked, or a proxy told in numbers.
Address address_of(const ProxyEnd& end) {
  const bool six = end.address.find(':') != std::string::npos;
  return parse_address(six ? cat("[", end.address, "]:", end.port)
                           : cat(end.address, ":", end.port))
      .value_or(Address());
}

std::optional<Address> source_address(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return address_of({text, 0});
}

}  // namespace

Link::Link(const LinkSpec& spec, Upstreams upstreams, const Parts& parts)
    : flow_{.loop = parts.loop,
            .scratch = parts.scratch,
            .all = parts.all,
            .connect_timeout = spec.connect_timeout,
            .source = source_address(spec.source),
            .account = spec.account,
            .upstream_account = spec.upstream_account,
            .send_proxy = spec.send_proxy,
            .closes_unconnected = spec.closes_unconnected,
            .http = spec.http},
      name_(spec.name),
      random_(seed_of(spec)),
      listen_(spec.listen),
      connections_max_(spec.connections_max),
      per_source_max_(spec.connections_per_source),
      proxies_(spec.proxies),
      upstreams_(std::move(upstreams)),
      told_(parts.told) {
  late_lookup_.owner = this;
}

Result<std::unique_ptr<Link>> Link::open(const LinkSpec& spec, const Parts& parts) {
  ASSIGN_OR_RETURN(Upstreams upstreams, Upstreams::read(spec));
  std::unique_ptr<Link> link(new Link(spec, std::move(upstreams), parts));
  if (spec.suspended) return link;
  const auto listening = [&]() -> Status {
    if (spec.port) return link->resume(*spec.port);
    BoundPort port;
    const SocketsOf theirs(spec.account);
    ASSIGN_OR_RETURN(port.address, parse_address(spec.listen));
    ASSIGN_OR_RETURN(port.fd, bound_to(port.address));
    return link->resume(port);
  }();
  if (!listening) return fail(listening.error(), cat("link `", spec.name, "`"));
  return link;
}

Status Link::resume(BoundPort& port) {
  if (!listener_ && !flow_.all.has_room(1)) {
    return fail(ErrorCode::kRefused, "the node's links have all the descriptors they may have");
  }
  if (!listener_) ++flow_.all.ports;
  address_ = port.address;
  listen_ = address_text(address_);
  listener_ = std::move(port.fd);
  return has(Toxic::Kind::kDown) ? Status() : start_listening();
}

Status Link::start_listening() {
  if (auto listening = panshi::agent::start_listening(listener_.get()); !listening)
    return listening;
  return flow_.loop.watch(listener_.get(), EPOLLIN, *this);  // level-triggered
}

Link::~Link() {
  if (listener_) --flow_.all.ports;
  flow_.loop.disarm(*this);
  flow_.loop.disarm(late_lookup_);
}

void Link::suspend() {
  if (listener_) --flow_.all.ports;
  listener_.reset();
  each_connection([](Connection& connection) { connection.finish(); });
}

void Link::retire(std::function<void()> idle) {
  flow_.loop.disarm(*this);
  suspend();
  idle_ = std::move(idle);
  if (connections_.empty()) std::exchange(idle_, {})();
}

Status Link::lead_to(const LinkSpec& spec) {
  ASSIGN_OR_RETURN(upstreams_, Upstreams::read(spec));
  ++generation_;  // what is still being looked up is of no use
  each_connection([](Connection& connection) { connection.finish(); });
  settle();
  return {};
}

bool Link::has(Toxic::Kind kind) const {
  return std::any_of(flow_.toxics.begin(), flow_.toxics.end(),
                     [kind](const ToxicRow& row) { return row.toxic.kind == kind; });
}

void Link::on_events(std::uint32_t) {
  // An event from before it stopped listening?
  if (!listener_ || has(Toxic::Kind::kDown)) return;
  const SocketsOf theirs(flow_.account);
  for (int i = 0; i < accepts_; ++i) {
    Address from;
    from.size = sizeof from.bytes;
    Fd client(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&from.bytes), &from.size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client) {
      ++accepted_;
      admit(std::move(client), from);
    } else if (errno == EMFILE || errno == ENFILE) {
      return shed_one();
    } else if (errno != ECONNABORTED && errno != EINTR) {
      accepts_ = 1;  // one more call that finds nobody would cost as much as the event that tells
      return;
    }
  }
  accepts_ = std::min(2 * accepts_, kAcceptsMax);
}

bool Link::refuses_one() {
  for (const ToxicRow& row : flow_.toxics) {
    if (row.toxic.kind == Toxic::Kind::kReset) return true;
    if (row.toxic.kind != Toxic::Kind::kRefuse) continue;
    ++row.account->connections;
    if (!drawn(random_, row.toxic.toxicity)) continue;
    ++row.account->touched;
    ++row.account->ended;
    return true;
  }
  return false;
}

const char* Link::limit_reached(const Source& source) const {
  if (connections_.size() >= connections_max_) return "link";
  const std::size_t own = connections_.size();
  if (!flow_.all.has_room(2) || own >= flow_.all.room_of_link(own)) return "node";
  return source_is_full(source) ? "source" : nullptr;
}

bool Link::is_proxy(const Address& from) const {
  return !proxies_.empty() &&
         std::find(proxies_.begin(), proxies_.end(), proxy_end(from).address) != proxies_.end();
}

void Link::count_refused(const char* limit_of) {
  ++refused_full_;
  const MonoTime now = flow_.loop.now();
  if (!told_.on_full || (full_told_ != MonoTime::min() && now - full_told_ < kFullToldEvery))
    return;
  full_told_ = now;
  const bool own = std::string_view(limit_of) != "node";
  told_.on_full({.link = name_,
                 .connections = own ? connections_.size() : flow_.all.connections,
                 .limit_of = limit_of,
                 .refused = refused_full_});
}

void Link::admit(Fd client, const Address& from) {
  // Through a proxy it is not known yet whose it is.
  const bool proxied = is_proxy(from);
  const Source source = proxied ? Source() : source_of(from);
  if (const char* limit = limit_reached(source)) {
    close_with_reset(client);
    return count_refused(limit);
  }
  if (refuses_one()) return close_with_reset(client);
  const auto on_end = [this](Connection& connection) {
    if (ended_.empty()) flow_.loop.at_end_of_round([this] { remove_ended(); });
    ended_.push_back(&connection);
  };
  const bool tells = flow_.send_proxy != 0;
  const Address to = tells ? local_end(client.get()) : Address();
  auto connection = std::make_unique<Connection>(flow_, std::move(client), random_.next(), on_end);
  if (tells) connection->origin = {proxy_end(from), proxy_end(to)};
  connection->slot = connections_.size();
  if (!proxied) count_source(*connection, source);
  connections_.push_back(std::move(connection));
  Connection& admitted = *connections_.back();
  if (!proxied) return greeted(admitted);
  admitted.greet([this](Connection& each) {
    if (!each.origin) return greeted(each);
    const Source of_client = source_of(address_of(each.origin->source));
    const bool full = source_is_full(of_client);
    count_source(each, of_client);
    if (!full) return greeted(each);
    count_refused("source");
    each.reset();
  });
}

void Link::greeted(Connection& connection) {
  const auto upstream = upstreams_.pick(random_);
  if (!upstream) return connection.reset();  // every one is drained
  lead(connection, *upstream);
}

bool Link::source_is_full(const Source& source) const {
  const auto found = flow_.sources.find(source);
  const bool is_new = found == flow_.sources.end();
  const std::size_t its = is_new ? 0 : found->second.connections;
  const std::size_t own = connections_.size();
  const std::size_t room = std::min(connections_max_, flow_.all.room_of_link(own));
  return its >= std::min(per_source_max_,
                         share_of_source(room, own, flow_.sources.size() + (is_new ? 1 : 0)));
}

void Link::count_source(Connection& connection, const Source& source) {
  connection.source = &*flow_.sources.try_emplace(source).first;
  ++connection.source->second.connections;
}

void Link::forget_source(Sources::value_type* source) {
  if (source == nullptr || --source->second.connections != 0) return;
  flow_.sources.erase(flow_.sources.find(source->first));
}

void Link::shed_one() {
  flow_.all.spare.reset();
  Fd one(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  close_with_reset(one);
  count_refused("node");
  flow_.all.spare = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void Link::remove_ended() {
  for (Connection* gone : std::exchange(ended_, {})) {
    Sources::value_type* const source = gone->source;
    const std::size_t slot = gone->slot;
    connections_.back()->slot = slot;
    std::swap(connections_[slot], connections_.back());
    connections_.pop_back();
    forget_source(source);  // it counted until now
  }
  if (idle_ && connections_.empty()) std::exchange(idle_, {})();
}

std::vector<ToxicRow>::iterator Link::find(const std::string& id) {
  return std::find_if(flow_.toxics.begin(), flow_.toxics.end(),
                      [&](const ToxicRow& row) { return row.id == id; });
}

Status Link::add_toxic(const std::string& id, const Toxic& toxic) {
  if (const auto there = find(id); there != flow_.toxics.end()) {
    if (there->toxic == toxic) return {};
    return fail(ErrorCode::kConflict, cat("link `", name_, "` has another toxic `", id, "`"));
  }
  if (flow_.toxics.size() >= LinkTable::kToxicsMax) {
    return fail(ErrorCode::kRefused, cat("link `", name_, "` has its fill of toxics"));
  }
  if (auto fine = check(toxic); !fine) return fine;
  if (toxic.http && !flow_.http) {
    return fail(ErrorCode::kRefused, cat("link `", name_, "` is not declared `protocol: http`"));
  }
  return start_toxic({.id = id, .toxic = toxic});
}

Status Link::start_toxic(const ToxicRow& row) {
  if (row.toxic.kind == Toxic::Kind::kDown && !has(Toxic::Kind::kDown)) {
    if (listener_) {
      if (auto stopped = stop_listening(listener_.get()); !stopped) return stopped;
      flow_.loop.unwatch(listener_.get());
    }
  }
  flow_.toxics.push_back(row);
  each_connection([&](Connection& connection) {
    if (row.toxic.kind == Toxic::Kind::kDown) connection.finish();
    if (row.toxic.kind == Toxic::Kind::kReset) connection.reset();
    if (row.toxic.on_stream()) connection.add_toxic(row);
  });
  return {};
}

Status Link::change_toxic(const std::string& id, const Toxic& toxic) {
  const auto there = find(id);
  if (there == flow_.toxics.end()) {
    return fail(ErrorCode::kNotFound, cat("link `", name_, "` has no toxic `", id, "`"));
  }
  if (there->toxic.kind != toxic.kind || there->toxic.direction != toxic.direction) {
    return fail(ErrorCode::kInvalid, "a toxic keeps its kind and direction");
  }
  if (auto fine = check(toxic); !fine) return fine;
  there->toxic = toxic;
  if (!toxic.on_stream()) return {};
  each_connection([&](Connection& connection) { connection.change_toxic(*there); });
  return {};
}

Status Link::remove_toxic(const std::string& id) {
  const auto there = find(id);
  if (there == flow_.toxics.end()) return {};
  const ToxicRow row = *there;
  flow_.toxics.erase(there);
  if (row.toxic.on_stream()) {
    each_connection([&](Connection& connection) { connection.remove_toxic(id); });
  }
  if (row.toxic.kind == Toxic::Kind::kDown && listener_ && !has(Toxic::Kind::kDown)) {
    if (auto listening = start_listening(); !listening) {
      flow_.toxics.push_back(row);  // still down; the caller tries again
      return fail(listening.error(), cat("link `", name_, "`"));
    }
  }
  return {};
}

Result<ToxicReport> Link::toxic_report(const std::string& id) const {
  for (const ToxicRow& row : flow_.toxics) {
    if (row.id == id) return row.account->report();
  }
  return fail(ErrorCode::kNotFound, cat("link `", name_, "` has no toxic `", id, "`"));
}

LinkState Link::state() const {
  LinkState state{.name = name_,
                  .listen = listen_,
                  .upstream = upstreams_.in_use(),
                  .upstreams = upstreams_.states(),
                  .toxics = {},
                  .http = flow_.http,
                  .down = !listener_ || has(Toxic::Kind::kDown),
                  .connections = static_cast<std::int64_t>(connections_.size()),
                  .accepted = accepted_,
                  .connect_failed = flow_.connect_failed,
                  .refused_full = refused_full_,
                  .bad_headers = flow_.bad_headers,
                  .bytes_upstream = flow_.delivered[Connection::kUp],
                  .bytes_downstream = flow_.delivered[Connection::kDown]};
  for (const auto& connection : connections_) {
    for (UpstreamState& each : state.upstreams)
      each.connections += each.name == connection->upstream();
  }
  for (const ToxicRow& row : flow_.toxics) state.toxics.emplace_back(row.id, row.toxic);
  return state;
}

std::string Link::toxic_of_others(const std::string& owner) const {
  for (const ToxicRow& row : flow_.toxics) {
    if (!row.id.starts_with(owner)) return row.id;
  }
  return "";
}

std::uint16_t Link::port() const { return port_of(address_); }

}  // namespace panshi::agent
