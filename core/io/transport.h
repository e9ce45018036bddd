// SPDX-License-Identifier: Apache-2.0
// Transport: the bytes of one accepted connection, as they are (plain) or under TLS
// (core/io/tls.h).
//
// Never blocks. One thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace panshi {

class Transport {
 public:
  enum class Outcome {
    kDone,       // `bytes` of them
    kWaitRead,   // when the socket can be read
    kWaitWrite,  // when it can be written, also for read() and the other way round
    kEnd,        // the other side has sent all
    kBroken,     // nothing can be done any more
  };
  struct Io {
    Outcome outcome = Outcome::kBroken;
    std::size_t bytes = 0;
  };

  virtual ~Transport() = default;
  // After kEnd or kBroken neither is called again, but write() after the kEnd of a read().
  virtual Io read(std::span<char> into) = 0;
  virtual Io write(std::string_view bytes) = 0;
  virtual void end() = 0;                       // of what is sent
  virtual bool is_established() const = 0;      // false: hands are being shaken
  virtual const std::string& peer() const = 0;  // what its certificate names, or ""
  // False: the certificates by which hands were shaken are not those of now. Any thread.
  virtual bool is_current() const = 0;
  // Of whoever was turned away by its certificate; `why` is empty when nobody was.
  struct Refusal {
    std::string who = {};   // whom it names, "user/alice"
    std::string from = {};  // address
    std::string why = {};
  };
  virtual Refusal refusal() const { return {}; }
  // The client's address as a proxy before us tells it; "": nobody does.
  virtual std::string origin() const { return ""; }
};

// `fd` stays the caller's.
std::unique_ptr<Transport> plain_transport(int fd);
// Each connection begins with a PROXY header (proxy_header.h): is_established() once it is read,
// broken when it is none.
std::unique_ptr<Transport> proxied_transport(std::unique_ptr<Transport> inner);

}  // namespace panshi
