// SPDX-License-Identifier: Apache-2.0
#include "agents/links/link_table.h"

#include <pthread.h>

#include <algorithm>
#include <future>
#include <thread>

#include "agents/links/event_loop.h"
#include "agents/links/link.h"
#include "core/base/text.h"

namespace panshi::agent {

struct LinkTable::Impl {
  OnMoved on_moved;
  std::unique_ptr<EventLoop> loop;
  std::vector<char> scratch = std::vector<char>(kHeldMax);
  std::vector<std::unique_ptr<Link>> links;  // thread `links` only, as the rest
  std::thread thread;

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

Result<std::unique_ptr<LinkTable>> LinkTable::create(OnMoved on_moved) {
  auto impl = std::make_unique<Impl>();
  impl->on_moved = std::move(on_moved);
  ASSIGN_OR_RETURN(impl->loop, EventLoop::create());
  impl->thread = std::thread([loop = impl->loop.get()] {
    ::pthread_setname_np(::pthread_self(), "links");
    loop->run();
  });
  return std::unique_ptr<LinkTable>(new LinkTable(std::move(impl)));
}

LinkTable::LinkTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LinkTable::~LinkTable() {
  impl_->loop->stop();
  impl_->thread.join();
  impl_->links.clear();
}

Status LinkTable::open(const LinkSpec& spec) {
  return impl_->call([impl = impl_.get(), spec]() -> Status {
    if (impl->find(spec.name) != nullptr) {
      return fail(ErrorCode::kConflict, cat("there is a link `", spec.name, "` already"));
    }
    ASSIGN_OR_RETURN(auto link, Link::open(spec, *impl->loop, impl->scratch, impl->on_moved));
    impl->links.push_back(std::move(link));
    return {};
  });
}

Status LinkTable::close(const std::string& name) {
  return impl_->call([impl = impl_.get(), name]() -> Status {
    const auto found = std::find_if(impl->links.begin(), impl->links.end(),
                                    [&](const auto& link) { return link->name() == name; });
    if (found == impl->links.end()) return {};
    (*found)->close();
    // What it put off to the end of this round comes first.
    impl->loop->at_end_of_round([gone = std::shared_ptr<Link>(std::move(*found))] {});
    impl->links.erase(found);
    return {};
  });
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

Status LinkTable::set_health(const std::string& name, const std::string& upstream, bool up) {
  return impl_->call([impl = impl_.get(), name, upstream, up]() -> Status {
    Link* link = impl->find(name);
    if (link == nullptr) return impl->unknown(name);
    return link->set_health(upstream, up);
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
