// SPDX-License-Identifier: Apache-2.0
// The promise under test: whoever listens on a database's port in its place learns neither the
// password nor what is in our files, and takes neither our memory nor our time.
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <thread>

#include "core/base/text.h"
#include "core/io/mariadb.h"
#include "tests/support/loopback_listener.h"
#include "tests/support/mariadb_greeting.h"
#include "tests/support/temporary_folder.h"

namespace panshi {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

const std::string kPassword = "correct-horse-battery";

// Accepts one connection, greets it as MariaDB does, and goes on as the test says.
class Squatter {
 public:
  explicit Squatter(std::function<void(Squatter&)> then) : then_(std::move(then)) {
    port = listener_.port;
    REQUIRE(port != 0);
    thread_ = std::thread([this] {
      peer_ = listener_.accept();
      const timeval patience{.tv_sec = 3, .tv_usec = 0};
      ::setsockopt(peer_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      (void)send(0, mariadb_greeting());
      (void)read();  // the answer to the challenge
      then_(*this);
      ::close(peer_);
    });
  }
  ~Squatter() { end(); }
  void end() {
    if (!thread_.joinable()) return;
    listener_.stop();
    thread_.join();
  }

  bool send(int number, const std::string& text) const {  // false: nobody takes it
    return send_bytes(mariadb_packet(number, text));
  }
  bool send_bytes(const std::string& bytes) const {  // false: nobody takes them
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t now = ::send(peer_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) return false;
      sent += static_cast<std::size_t>(now);
    }
    return true;
  }
  // What comes at once; "" at the end.
  std::string read() {
    std::string bytes(64 << 10, '\0');
    const ssize_t got = ::recv(peer_, bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    heard += bytes;
    return bytes;
  }

  std::uint16_t port = 0;
  std::string heard;

 private:
  std::function<void(Squatter&)> then_;
  LoopbackListener listener_;
  int peer_ = -1;
  std::thread thread_;
};

MariaDb::Options options(const Squatter& squatter) {
  return {.host = "127.0.0.1",
          .port = squatter.port,
          .user = "shop",
          .password = kPassword,
          .database = {},
          .connect_timeout = 2s,
          .statement_timeout = 2s};
}

const std::string kOk = "\0\0\0\x02\0\0\0"s;

TEST_CASE("a server that asks for the password in clear does not get it") {
  const std::string plugin =
      GENERATE(as<std::string>(), "mysql_clear_password", "dialog", "mysql_old_password",
               "caching_sha2_password", "sha256_password");
  INFO(plugin);
  Squatter squatter([&](Squatter& self) {
    (void)self.send(2, "\xfe"s + plugin + "\0"s + "12345678901234567890\0"s);
    while (!self.read().empty()) {
      (void)self.send(4, "\x01\x04"s);  // "the whole of it, please"
    }
  });
  CHECK_FALSE(MariaDb::connect(options(squatter)));
  squatter.end();
  CHECK(squatter.heard.find("shop") != std::string::npos);
  CHECK(squatter.heard.find(kPassword) == std::string::npos);
}

TEST_CASE("a server that asks for a file of ours in answer to a statement does not get it") {
  const TemporaryFolder folder;
  const auto file = folder / "secret";
  std::ofstream(file) << "what nobody else may read";
  Squatter squatter([&](Squatter& self) {
    (void)self.send(2, kOk);
    while (!self.read().empty()) (void)self.send(1, "\xfb"s + file.string());
  });
  auto connected = MariaDb::connect(options(squatter));
  REQUIRE(connected);
  CHECK_FALSE(connected->script("SELECT 1"));
  connected = fail(ErrorCode::kUnavailable, "closed");
  squatter.end();
  CHECK(squatter.heard.find("SELECT 1") != std::string::npos);
  CHECK(squatter.heard.find("what nobody else may read") == std::string::npos);
}

// Text with its length before it, as that protocol has it, of 252 bytes and more.
std::string long_text() {
  const std::string text(60'000, 'x');
  return "\xfc"s + static_cast<char>(text.size() & 0xff) + static_cast<char>(text.size() >> 8) +
         text;
}
std::string column(const std::string& name) {
  return "\x03"
         "def\0\0\0"s +
         name + "\0\x0c\x2d\0\xff\0\0\0\xfd\0\0\0\0\0"s;
}

TEST_CASE("an answer without an end is given up after as much as an answer may have") {
  constexpr std::size_t kEndless = 512 << 20;
  const bool in_rows = GENERATE(true, false);  // else among the columns
  INFO(in_rows);
  std::size_t sent = 0;
  Squatter squatter([&](Squatter& self) {
    (void)self.send(2, kOk);
    (void)self.read();                                        // the statement
    (void)self.send(1, in_rows ? "\x01"s : "\xfc\xff\xff"s);  // how many columns
    if (in_rows) {
      (void)self.send(2, column("\x01"
                                "a"));
      (void)self.send(3, "\xfe\0\0\x02\0"s);
    }
    const std::string text = in_rows ? long_text() : column(long_text());
    for (int number = in_rows ? 4 : 2; sent < kEndless; ++number) {
      if (!self.send(number, text)) return;
      sent += text.size();
    }
  });
  MariaDb::Options bounded = options(squatter);
  bounded.answer_max = 8 << 20;
  bounded.statement_timeout = 60s;
  auto connected = MariaDb::connect(bounded);
  REQUIRE(connected);
  const auto answer = connected->script("SELECT 1");
  REQUIRE_FALSE(answer);
  INFO(answer.error().message);
  CHECK(answer.error().code == ErrorCode::kTimeout);
  CHECK_FALSE(connected->script("SELECT 1"));  // nor is it asked again
  connected = fail(ErrorCode::kUnavailable, "closed");
  squatter.end();
  CHECK(sent < (64 << 20));  // what is on the way in the kernel comes to it
}

TEST_CASE("a server that answers byte by byte has no longer than any other") {
  constexpr int kBytes = 3'000;
  int sent = 0;
  Squatter squatter([&](Squatter& self) {
    (void)self.send(2, kOk);
    (void)self.read();
    for (; sent < kBytes && self.send_bytes("\x01"); ++sent) std::this_thread::sleep_for(5ms);
  });
  MariaDb::Options hasty = options(squatter);
  hasty.statement_timeout = 300ms;
  auto connected = MariaDb::connect(hasty);
  REQUIRE(connected);
  const auto answer = connected->script("SELECT 1");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::kTimeout);
  connected = fail(ErrorCode::kUnavailable, "closed");
  squatter.end();
  CHECK(sent < kBytes);
}

}  // namespace
}  // namespace panshi
