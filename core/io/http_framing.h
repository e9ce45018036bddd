// SPDX-License-Identifier: Apache-2.0
// HttpFraming: where the messages of one direction of an HTTP/1 connection begin and end, for those
// who pass them on. The bytes handed out are the bytes that came, all of them, in order.
//
// Pure; Boost.Beast's parser inside. Holds at most one head. What is not HTTP/1 is kUnreadable.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace panshi {

class HttpFraming {
 public:
  static constexpr std::size_t kHeadBytesMax = 64 << 10;
  enum class Way { kRequests, kResponses };
  struct Head {
    std::string method;  // of a request
    std::string target;
    int status = 0;  // of a response
    bool keep_alive = false;
    bool expects_continue = false;
    bool upgrades = false;  // what comes behind it may not be HTTP
  };
  struct Part {
    enum class Kind { kNone, kHead, kBody, kEnd, kUnreadable };
    Kind kind = Kind::kNone;
    std::string bytes = {};  // none for kEnd; kUnreadable: all that is left
  };

  explicit HttpFraming(Way way);
  ~HttpFraming();
  HttpFraming(const HttpFraming&) = delete;
  HttpFraming& operator=(const HttpFraming&) = delete;

  void feed(std::string_view bytes);
  // The next part of what was fed; kNone: feed more. After kUnreadable nothing comes any more.
  Part next();
  const Head& head() const;  // of the message that next() is in

  std::string rest();                         // what was fed and not handed out
  bool at_start() const;                      // of a message, of which nothing was handed out
  void set_bodiless(bool is_answer_to_head);  // REQUIRES: at_start()

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace panshi
