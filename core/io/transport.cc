// SPDX-License-Identifier: Apache-2.0
#include "core/io/transport.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "core/io/proxy_header.h"

namespace panshi {
namespace {

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(int fd) : fd_(fd) {}

  Io read(std::span<char> into) override {
    const ssize_t got = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    if (got == 0) return {Outcome::kEnd};
    return io(got, Outcome::kWaitRead);
  }
  Io write(std::string_view bytes) override {
    return io(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT),
              Outcome::kWaitWrite);
  }
  void end() override { ::shutdown(fd_, SHUT_WR); }
  bool is_established() const override { return true; }
  const std::string& peer() const override { return peer_; }
  bool is_current() const override { return true; }

 private:
  static Io io(ssize_t done, Outcome wait) {
    if (done >= 0) return {Outcome::kDone, static_cast<std::size_t>(done)};
    return {errno == EAGAIN || errno == EINTR ? wait : Outcome::kBroken};
  }

  const int fd_;
  const std::string peer_;
};

class ProxiedTransport : public Transport {
 public:
  explicit ProxiedTransport(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {}

  Io read(std::span<char> into) override {
    while (!header_) {
      std::array<char, kProxyHeaderMax> more;
      const Io got = inner_->read(std::span(more).first(more.size() - bytes_.size()));
      if (got.outcome != Outcome::kDone) return got;
      bytes_.append(more.data(), got.bytes);
      auto header = read_proxy_header(bytes_);
      if (!header || (!*header && bytes_.size() == kProxyHeaderMax)) return {Outcome::kBroken};
      if (!*header) continue;
      header_ = std::move(**header);
      bytes_.erase(0, header_->size);
    }
    if (bytes_.empty()) return inner_->read(into);
    const std::size_t size = std::min(bytes_.size(), into.size());
    std::copy_n(bytes_.begin(), size, into.begin());
    bytes_.erase(0, size);
    return {Outcome::kDone, size};
  }
  Io write(std::string_view bytes) override { return inner_->write(bytes); }
  void end() override { inner_->end(); }
  bool is_established() const override { return header_ && inner_->is_established(); }
  const std::string& peer() const override { return inner_->peer(); }
  bool is_current() const override { return inner_->is_current(); }
  std::string origin() const override {
    return header_ && header_->origin ? header_->origin->source.address : "";
  }

 private:
  const std::unique_ptr<Transport> inner_;
  std::string bytes_;  // of the header while it is not whole, then what came with its end
  std::optional<ProxyHeader> header_;
};

}  // namespace

std::unique_ptr<Transport> proxied_transport(std::unique_ptr<Transport> inner) {
  return std::make_unique<ProxiedTransport>(std::move(inner));
}

std::unique_ptr<Transport> plain_transport(int fd) { return std::make_unique<PlainTransport>(fd); }

}  // namespace panshi
