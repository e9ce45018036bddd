// SPDX-License-Identifier: Apache-2.0
#include "agents/links/link.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "core/base/text.h"

namespace panshi::agent {
namespace {

constexpr int kAcceptsPerRound = 64;

std::uint64_t seed_of(const LinkSpec& spec) {
  if (spec.seed != 0) return spec.seed;
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : spec.name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

Link::Link(const LinkSpec& spec, EventLoop& loop, std::vector<char>& scratch)
    : flow_{.loop = loop, .scratch = scratch, .connect_timeout = spec.connect_timeout},
      name_(spec.name),
      random_(seed_of(spec)),
      spare_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

Result<std::unique_ptr<Link>> Link::open(const LinkSpec& spec, EventLoop& loop,
                                         std::vector<char>& scratch) {
  if (spec.upstreams.empty()) {
    return fail(ErrorCode::kInvalid, cat("link `", spec.name, "` has no upstream"));
  }
  std::unique_ptr<Link> link(new Link(spec, loop, scratch));
  for (const LinkUpstream& upstream : spec.upstreams) {
    auto address = parse_address(upstream.address);
    if (!address) return fail(address.error(), cat("link `", spec.name, "`"));
    link->upstreams_.push_back({upstream, *address});
  }
  const auto listening = [&]() -> Status {
    ASSIGN_OR_RETURN(link->address_, parse_address(spec.listen));
    ASSIGN_OR_RETURN(link->listener_, bound_to(link->address_));
    return link->start_listening();
  }();
  if (!listening) return fail(listening.error(), cat("link `", spec.name, "`"));
  return link;
}

Status Link::start_listening() {
  if (auto listening = panshi::agent::start_listening(listener_.get()); !listening)
    return listening;
  return flow_.loop.watch(listener_.get(), EPOLLIN, *this);  // level-triggered
}

Link::~Link() { close(); }

void Link::close() {
  listener_.reset();
  each_connection([](Connection& connection) { connection.reset(); });
}

template <class Act>
void Link::each_connection(Act act) {
  // By index: acting may end connections, which stay in the list until the end of the round.
  for (std::size_t i = 0; i < connections_.size(); ++i) act(*connections_[i]);
}

bool Link::has(Toxic::Kind kind) const {
  return std::any_of(toxics_.begin(), toxics_.end(),
                     [kind](const auto& entry) { return entry.second.kind == kind; });
}

void Link::on_events(std::uint32_t) {
  if (has(Toxic::Kind::kDown)) return;  // an event from before it stopped listening
  for (int i = 0; i < kAcceptsPerRound; ++i) {
    Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client) {
      ++accepted_;
      admit(std::move(client));
    } else if (errno == EMFILE || errno == ENFILE) {
      return shed_one();
    } else if (errno != ECONNABORTED && errno != EINTR) {
      return;
    }
  }
}

void Link::admit(Fd client) {
  if (has(Toxic::Kind::kReset) || connections_.size() >= kConnectionsMax) {
    return close_with_reset(client);
  }
  const auto on_end = [this](Connection& connection) {
    if (ended_.empty()) flow_.loop.at_end_of_round([this] { remove_ended(); });
    ended_.push_back(&connection);
  };
  connections_.push_back(
      std::make_unique<Connection>(flow_, std::move(client), random_.next(), on_end));
  const Upstream& upstream = upstreams_[in_use_];
  connections_.back()->dial(upstream.spec.name, upstream.address);
}

void Link::shed_one() {
  spare_.reset();
  Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  close_with_reset(client);
  spare_ = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void Link::remove_ended() {
  std::sort(ended_.begin(), ended_.end());
  std::erase_if(connections_, [this](const std::unique_ptr<Connection>& connection) {
    return std::binary_search(ended_.begin(), ended_.end(), connection.get());
  });
  ended_.clear();
}

Result<LinkTable::Rerouted> Link::reroute(const std::string& upstream, LinkTable::Established how) {
  std::vector<std::string> known;
  for (const Upstream& each : upstreams_) known.push_back(each.spec.name);
  const auto found = std::find(known.begin(), known.end(), upstream);
  if (found == known.end()) {
    return fail(ErrorCode::kNotFound,
                cat("link `", name_, "` has no upstream `", upstream, "`",
                    did_you_mean(upstream, known), "; it has ", join(known, ", ")));
  }
  LinkTable::Rerouted rerouted{.from = known[in_use_], .to = upstream};
  in_use_ = static_cast<std::size_t>(found - known.begin());
  each_connection([&](Connection& connection) {
    if (connection.upstream() == upstream) return;
    if (!connection.connected()) {  // nothing was read from it yet: it can still change over
      connection.dial(upstream, upstreams_[in_use_].address);
    } else if (how == LinkTable::Established::kReset) {
      connection.reset();
    }
  });
  return rerouted;
}

Status Link::add_toxic(const std::string& id, const Toxic& toxic) {
  if (const auto there = toxics_.find(id); there != toxics_.end()) {
    if (there->second == toxic) return {};
    return fail(ErrorCode::kConflict, cat("link `", name_, "` has another toxic `", id, "`"));
  }
  if (toxics_.size() >= LinkTable::kToxicsMax) {
    return fail(ErrorCode::kRefused, cat("link `", name_, "` has its fill of toxics"));
  }
  if (toxic.delay > LinkTable::kDelayMax || toxic.delay < toxic.jitter ||
      toxic.jitter < Duration(0)) {
    return fail(ErrorCode::kInvalid, cat("a delay is at most ", duration_text(LinkTable::kDelayMax),
                                         " and its jitter at most the delay"));
  }
  if (toxic.kind == Toxic::Kind::kDown && !has(Toxic::Kind::kDown)) {
    if (auto stopped = stop_listening(listener_.get()); !stopped) return stopped;
    flow_.loop.unwatch(listener_.get());
  }
  toxics_.emplace(id, toxic);
  switch (toxic.kind) {
    case Toxic::Kind::kDelay:
      flow_.delays.emplace(id, DelayRow{.toxic = toxic});
      break;
    case Toxic::Kind::kDown:
      each_connection([](Connection& connection) { connection.close(); });
      break;
    case Toxic::Kind::kReset:
      each_connection([](Connection& connection) { connection.reset(); });
      break;
  }
  return {};
}

Status Link::remove_toxic(const std::string& id) {
  const auto there = toxics_.find(id);
  if (there == toxics_.end()) return {};
  const Toxic toxic = there->second;
  toxics_.erase(there);
  if (toxic.kind == Toxic::Kind::kDelay) {
    flow_.delays.erase(id);
    each_connection([](Connection& connection) { connection.delays_changed(); });
  }
  if (toxic.kind == Toxic::Kind::kDown && !has(Toxic::Kind::kDown)) {
    if (auto listening = start_listening(); !listening) {
      toxics_.emplace(id, toxic);  // still down; the caller tries again
      return fail(listening.error(), cat("link `", name_, "`"));
    }
  }
  return {};
}

Result<DelayAccount> Link::delay_account(const std::string& id) const {
  const auto row = flow_.delays.find(id);
  if (row != flow_.delays.end()) return row->second.account();
  return fail(ErrorCode::kNotFound, cat("link `", name_, "` has no delay `", id, "`"));
}

LinkState Link::state() const {
  LinkState state{.name = name_,
                  .listen = address_text(address_),
                  .upstream = upstreams_[in_use_].spec.name,
                  .upstreams = {},
                  .toxics = toxics_,
                  .down = has(Toxic::Kind::kDown),
                  .connections = static_cast<std::int64_t>(connections_.size()),
                  .accepted = accepted_,
                  .connect_failed = flow_.connect_failed,
                  .bytes_upstream = flow_.delivered[Connection::kUp],
                  .bytes_downstream = flow_.delivered[Connection::kDown]};
  for (const Upstream& each : upstreams_) state.upstreams.push_back(each.spec);
  return state;
}

std::uint16_t Link::port() const {
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address_.bytes);
  return ntohs(v6->sin6_port);  // at the same place in sockaddr_in
}

}  // namespace panshi::agent
