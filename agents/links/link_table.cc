// SPDX-License-Identifier: Apache-2.0
#include "agents/links/link_table.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <future>
#include <thread>

#include "agents/links/event_loop.h"
#include "agents/links/link.h"
#include "core/base/text.h"

namespace panshi::agent {

namespace {

// What the reserve leaves.
std::size_t descriptors_max(std::size_t descriptors) {
  rlimit limit = {};
  if (descriptors == 0 && ::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    descriptors = static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 30));
  }
  return descriptors - std::min(descriptors / 4, LinkTable::kReserveMax);
}

}  // namespace

struct LinkTable::Impl {
  explicit Impl(Options given)
      : options(std::move(given)),
        all{.descriptors_max = descriptors_max(options.descriptors_max),
            .names = Names(options.resolve)} {
    all.spare = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }

  const Options options;
  std::unique_ptr<EventLoop> loop;
  const std::unique_ptr<char[]> room = std::make_unique_for_overwrite<char[]>(kHeldMax);
  const std::span<char> scratch{room.get(), kHeldMax};  // resident once it is used
  DataPath all;
  std::vector<std::unique_ptr<Link>> links;    // thread `links` only, as the rest
  std::vector<std::unique_ptr<Link>> retired;  // with connections that are still ending
  std::thread thread;

  void retire(std::unique_ptr<Link> link) {
    retired.push_back(std::move(link));
    retired.back()->retire([this, gone = retired.back().get()] {
      const auto found = std::find_if(retired.begin(), retired.end(),
                                      [&](const auto& each) { return each.get() == gone; });
      // What it put off to the end of this round comes first.
      loop->at_end_of_round([last = std::shared_ptr<Link>(std::move(*found))] {});
      retired.erase(found);
    });
  }

  Link* find(const std::string& name) const {
    const auto found = std::find_if(links.begin(), links.end(),
                                    [&](const auto& link) { return link->name() == name; });
    return found == links.end() ? nullptr : found->get();
  }

  tl::unexpected<Error> unknown(const std::string& name) const {
    std::vector<std::string> known;
    for (const auto& link : links) known.push_back(link->name());
    return fail(ErrorCode::kNotFound, cat("no link `", name, "`", did_you_mean(name, known),
                                          "; there are: ", join(known, ", ")));
  }

  // Runs `work` on the thread and waits. It owns what it captures: it may run after a timeout.
  template <class Work, class Answer = std::invoke_result_t<Work>>
  Answer call(Work work) {
    const auto task = std::make_shared<std::packaged_task<Answer()>>(std::move(work));
    auto answer = task->get_future();
    if (!loop->post([task] { (*task)(); })) {
      return fail(ErrorCode::kUnavailable, "too many calls wait for the links");
    }
    if (answer.wait_for(kCallTimeout) != std::future_status::ready) {
      return fail(ErrorCode::kTimeout, "the links did not answer");
    }
    return answer.get();
  }
};

Result<std::unique_ptr<LinkTable>> LinkTable::create(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  ASSIGN_OR_RETURN(impl->loop, EventLoop::create());
  impl->thread = std::thread([loop = impl->loop.get()] {
    ::pthread_setname_np(::pthread_self(), "links");
    loop->run();
  });
  return std::unique_ptr<LinkTable>(new LinkTable(std::move(impl)));
}

Result<std::unique_ptr<LinkTable>> LinkTable::create() { return create(Options()); }

LinkTable::LinkTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LinkTable::~LinkTable() {
  const SystemClock clock;
  const MonoTime until = clock.mono() + kCloseWithin;
  const auto left = [this] {
    return impl_->call([impl = impl_.get()]() -> Result<std::size_t> {
      for (const auto& link : impl->links) link->suspend();
      return impl->all.connections;
    });
  };
  while (left().value_or(0) > 0 && clock.mono() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  impl_->loop->stop();
  impl_->thread.join();
  impl_->links.clear();
  impl_->retired.clear();
}

Result<std::shared_ptr<BoundPort>> LinkTable::reserve(const std::string& listen,
                                                      std::optional<uid_t> account) {
  const SocketsOf theirs(account);
  auto port = std::make_shared<BoundPort>();
  ASSIGN_OR_RETURN(port->address, parse_address(listen));
  ASSIGN_OR_RETURN(port->fd, bound_to(port->address));
  return port;
}

Status LinkTable::open(const LinkSpec& spec) {
  return impl_->call([impl = impl_.get(), spec]() -> Status {
    if (impl->find(spec.name) != nullptr) {
      return fail(ErrorCode::kConflict, cat("there is a link `", spec.name, "` already"));
    }
    ASSIGN_OR_RETURN(auto link, Link::open(spec, {.loop = *impl->loop,
                                                  .scratch = impl->scratch,
                                                  .all = impl->all,
                                                  .told = impl->options}));
    impl->links.push_back(std::move(link));
    return {};
  });
}

Status LinkTable::close(const std::string& name, const std::string& owner) {
  return impl_->call([impl = impl_.get(), name, owner]() -> Status {
    const auto found = std::find_if(impl->links.begin(), impl->links.end(),
                                    [&](const auto& link) { return link->name() == name; });
    if (found == impl->links.end()) return {};
    if (const std::string toxic = (*found)->toxic_of_others(owner); !toxic.empty()) {
      return fail(ErrorCode::kConflict, cat("link `", name, "` carries `", toxic, "`"));
    }
    auto link = std::move(*found);
    impl->links.erase(found);
    impl->retire(std::move(link));
    return {};
  });
}

Status LinkTable::suspend(const std::string& name) {
  return impl_->call([impl = impl_.get(), name]() -> Status {
    Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    link->suspend();
    return {};
  });
}

Status LinkTable::resume(const std::string& name, std::shared_ptr<BoundPort> port) {
  return impl_->call([impl = impl_.get(), name, port]() -> Status {
    Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    return link->resume(*port);
  });
}

Status LinkTable::lead_to(const LinkSpec& spec) {
  return impl_->call([impl = impl_.get(), spec]() -> Status {
    Link* link = impl->find(spec.name);
    if (link == nullptr) return impl->unknown(spec.name);
    return link->lead_to(spec);
  });
}

bool LinkTable::has(const std::string& name) const {
  return impl_
      ->call([impl = impl_.get(), name]() -> Result<bool> { return impl->find(name) != nullptr; })
      .value_or(false);
}

Result<std::vector<std::string>> LinkTable::look_up(const std::string& host,
                                                    Duration within) const {
  ASSIGN_OR_RETURN(const Names::Addresses found, impl_->all.names.ask_within(host, within));
  std::vector<std::string> texts;
  for (const Address& address : found) texts.push_back(address_text(address));
  return texts;
}

Result<LinkTable::Rerouted> LinkTable::reroute(const std::string& name, const std::string& upstream,
                                               Established established) {
  return impl_->call([impl = impl_.get(), name, upstream, established]() -> Result<Rerouted> {
    Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    return link->reroute(upstream, established);
  });
}

Status LinkTable::drain(const std::string& name, const std::string& upstream, Duration within) {
  return impl_->call([impl = impl_.get(), name, upstream, within]() -> Status {
    Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    return link->drain(upstream, within);
  });
}

Status LinkTable::undrain(const std::string& name, const std::string& upstream) {
  return impl_->call([impl = impl_.get(), name, upstream]() -> Status {
    Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    return link->undrain(upstream);
  });
}

Status LinkTable::set_weights(const std::string& name, const std::map<std::string, int>& weights) {
  return impl_->call([impl = impl_.get(), name, weights]() -> Status {
    Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    return link->set_weights(weights);
  });
}

Status LinkTable::set_health(const std::string& name, const std::string& upstream, bool up,
                             Established how) {
  return impl_->call([impl = impl_.get(), name, upstream, up, how]() -> Status {
    Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    return link->set_health(upstream, up, how);
  });
}

Status LinkTable::add_toxic(const std::string& name, const std::string& id, const Toxic& toxic) {
  return impl_->call([impl = impl_.get(), name, id, toxic]() -> Status {
    Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    return link->add_toxic(id, toxic);
  });
}

Status LinkTable::remove_toxic(const std::string& name, const std::string& id) {
  return impl_->call([impl = impl_.get(), name, id]() -> Status {
    Link* link = impl->find(name);
    return link == nullptr ? Status() : link->remove_toxic(id);
  });
}

Status LinkTable::change_toxic(const std::string& name, const std::string& id, const Toxic& toxic) {
  return impl_->call([impl = impl_.get(), name, id, toxic]() -> Status {
    Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    return link->change_toxic(id, toxic);
  });
}

Result<ToxicReport> LinkTable::toxic_report(const std::string& name, const std::string& id) const {
  return impl_->call([impl = impl_.get(), name, id]() -> Result<ToxicReport> {
    const Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    return link->toxic_report(id);
  });
}

std::vector<LinkState> LinkTable::links() const {
  auto states = impl_->call([impl = impl_.get()]() -> Result<std::vector<LinkState>> {
    std::vector<LinkState> all;
    for (const auto& link : impl->links) all.push_back(link->state());
    return all;
  });
  return states ? *std::move(states) : std::vector<LinkState>();
}

Result<std::uint16_t> LinkTable::port(const std::string& name) const {
  return impl_->call([impl = impl_.get(), name]() -> Result<std::uint16_t> {
    const Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    return link->port();
  });
}

}  // namespace panshi::agent
